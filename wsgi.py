"""The application as web servers and `flask --app wsgi` find it."""

import sys

from config import SettingsError
from consult import create_app

#: What gunicorn takes as "do not start me again"; any other code would make it try for ever.
BOOT_ERROR = 3

try:
    application = create_app()
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(BOOT_ERROR)
