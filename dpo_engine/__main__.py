"""`python -m dpo_engine …`: see `commands`."""

import sys
import warnings

from dpo_engine.commands.main import main

if __name__ == "__main__":
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # advice for programmers has no place between the sentences for users
    sys.exit(main())
