"""`cleansheet verify`: check a certificate."""

from pathlib import Path

import click

from classifier.errors import CleansheetError
from tracker.cli.parameters import DEFAULT_WORKSPACE, json_option, print_json


@click.command("verify", short_help="Check a certificate; --retrain checks by training again.")
@click.argument("certificate", metavar="CERT", type=click.Path(path_type=Path))
@click.option("--retrain", is_flag=True, help="Train the shards again, from nothing, and compare bit by bit.")
@click.option("--workers", type=click.IntRange(1), help="Training processes; one a core by default.")
@click.option("-w", "--workspace", type=click.Path(path_type=Path, file_okay=False), default=None,
              envvar="CLEANSHEET_WORKSPACE", help="The workspace; by default the one that the file lies in, else "
              "./workspace. Without one the signature alone is checked.")  # fmt: skip
@json_option
def verify(certificate: Path, retrain: bool, workers: int | None, workspace: Path | None, as_json: bool) -> None:
    """Check a certificate of `forget-player` or `rectify`, and say in words what was checked.

    \b
    Examples:
      cleansheet verify workspace/certificates/certificate-0001.json
      cleansheet verify certificate-0001.json -w workspace --retrain
    """
    from classifier.report import to_json
    from classifier.verification import verify as check

    if workspace is None:
        beside = certificate.resolve().parent
        workspace = beside.parent if beside.name == "certificates" else DEFAULT_WORKSPACE
    found = check(certificate, workspace, retrain=retrain, workers=workers)
    if as_json:
        print_json({**to_json(found), "holds": found.holds})
    else:
        click.echo(f"certificate {found.number} ({found.kind})")
        marks = {True: "ok", False: "WRONG", None: "not checked"}
        for item in found.checks:
            click.echo(f"  {marks[item.holds]:<12} {item.what}: {item.says}")
    if not found.holds:
        wrong = ", ".join(item.what for item in found.checks if item.holds is False)
        raise CleansheetError(f"{certificate} does not hold: {wrong}")
