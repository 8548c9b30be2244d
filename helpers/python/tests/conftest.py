"""The tests of the package run against an installed wheel; `.ci/package wheel` makes and installs one."""

pytest_plugins = ["pytester"]
