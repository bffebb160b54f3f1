"""An SMTP server that takes everything and keeps nothing, in a process of its own. Prints its port and stays."""

import time

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from tests.services import free_port


def main() -> None:
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    print(controller.port, flush=True)
    # Ends with the benchmark that started it, or after an hour.
    time.sleep(3600)


if __name__ == "__main__":
    main()
