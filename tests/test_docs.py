"""What is written about the program is true of it."""

import re
import tomllib

import pytest

from tests.conftest import ROOT
from tracker import tables
from tracker.cli import COMMANDS, reference


def test_the_commands_page_is_in_step() -> None:
    written = (ROOT / "docs" / "commands.md").read_text()
    assert written == reference.markdown(), "python -m tracker.cli.reference > docs/commands.md"


def test_the_tables_page_is_in_step() -> None:
    written = (ROOT / "docs" / "tables.md").read_text()
    assert written == tables.markdown(), "python -m tracker.tables > docs/tables.md"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"cleansheet {name}" not in readme] == []


PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_dependencies_have_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [need for need in project["dependencies"] if "<" not in need] == []


def test_no_benchmark_hides_a_package() -> None:
    """`python benchmarks/X.py` puts its folder first where modules are looked for."""
    packages = {folder.name for folder in ROOT.iterdir() if folder.is_dir()}
    assert not packages & {file.stem for file in (ROOT / "benchmarks").glob("*.py")}
