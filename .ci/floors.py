"""Prints the lowest versions that setup.cfg allows, for pip: `numpy>=1.26` as `numpy==1.26.*`."""

import configparser
import pathlib
import re

config = configparser.ConfigParser()
config.read(pathlib.Path(__file__).parents[1] / "setup.cfg")
needed = [config["options"]["install_requires"], *config["options.extras_require"].values()]
pattern = r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)$"
for name, version in re.findall(pattern, "\n".join(needed), re.MULTILINE):
    print(f"{name}=={version}{'' if '.' in version else '.0'}.*")
