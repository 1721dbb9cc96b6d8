"""The same cross-validation written four ways; each file is a script that trains what a :class:`spec.Spec` says."""
