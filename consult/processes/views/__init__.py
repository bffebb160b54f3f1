"""Pages about processes: reading, leading, previewing."""

from consult.processes.views import leading, naming, preview, reading, stages
from consult.processes.views.blueprint import bp

__all__ = ["bp", "leading", "naming", "preview", "reading", "stages"]
