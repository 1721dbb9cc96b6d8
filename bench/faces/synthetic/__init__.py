"""Synthetic faces: heads in three dimensions, drawn with numpy, with keypoints known from the geometry."""

from bench.faces.synthetic.face_maker import DEFAULT_PEOPLE, DEFAULT_ROWS, synthetic_faces

__all__ = ["DEFAULT_PEOPLE", "DEFAULT_ROWS", "synthetic_faces"]
