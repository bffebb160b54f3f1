"""What `./run` does before the web server starts, in one process: migrations, then the demonstration.

python -m deploy.prepare [load|reset]
"""

import sys

from flask.cli import ScriptInfo
from flask_migrate import upgrade

from consult import create_app


def main(arguments: list[str]) -> int:
    """The program; its exit code."""
    app = create_app()
    with app.app_context():
        upgrade()
    if arguments:
        app.cli.main(["demo", *arguments], obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
