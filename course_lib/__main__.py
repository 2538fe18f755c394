"""The command line: ``python -m course_lib COMMAND``.

Every module of ``course_lib/commands`` is a command, ``train_detector.py`` being
``train-detector``. It is light to import; what is heavy is imported within its ``run``.
"""

import argparse
import pkgutil
import sys
from importlib import import_module
from types import ModuleType

from course_lib import __version__, commands
from course_lib.errors import InputError


def load_commands() -> dict[str, ModuleType]:
    """The modules of the commands that exist, by name."""
    names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    modules = {n: import_module(f"{commands.__name__}.{n}") for n in names}
    return {
        name.replace("_", "-"): module
        for name, module in modules.items()
        if hasattr(module, "run")
    }


def build_parser(modules: dict[str, ModuleType]) -> argparse.ArgumentParser:
    """One parser with a subparser for every command."""
    parser = argparse.ArgumentParser(
        prog="python -m course_lib", description="The tools of Pixels & Boxes."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND"
    )
    for module in modules.values():
        module.add_parser(subparsers)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; a wrong input ends in its one sentence and status 2."""
    modules = load_commands()
    args = build_parser(modules).parse_args(arguments)
    try:
        return modules[args.command].run(args) or 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
