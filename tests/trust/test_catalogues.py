"""A run that is done again years later uses the catalogues of its own day: the pack's, and those that shipped then."""

import json
import shutil

from scanner import data
from scanner.cli.door import run
from tests.trust.test_verify import SAVED, call

OWN = """\
apiVersion: acrscan/v1
framework: {id: own, title: Our standard, source: "https://example.com", mapping: by us}
controls:
  - {id: P-1, title: No shared logins}
"""


def test_a_run_again_uses_the_catalogues_of_its_day(tmp_path, capsys, monkeypatch):
    """The pack is gone and acrscan ships other words by now: the report comes out the same."""
    pack = tmp_path / "own"
    (pack / "frameworks").mkdir(parents=True)
    (pack / "frameworks" / "own.yaml").write_text(OWN, "utf-8")
    shipped = data.policies() / "acr"
    rule = "ACR101-admin-user-disabled.yaml"
    text = (shipped / rule).read_text("utf-8")
    (pack / rule).write_text(text.replace("  faq: [RM4]\n", "  faq: [RM4]\n  own: [P-1]\n"), "utf-8")
    shutil.copy(shipped / "pack.yaml", pack)
    out = tmp_path / "reports"
    assert (
        run([*SAVED, "--pack", str(pack), "-f", "json", "-o", str(out), "--manifest", "--with-inventory"])
        == 0
    )
    header = json.loads((out / "acrscan.json").read_text("utf-8"))["header"]
    assert [one["id"] for one in header["frameworks"]][-1] == "own"
    shutil.rmtree(pack)
    later = tmp_path / "later"
    shutil.copytree(data.policies(), later)
    mcsb = later / "frameworks" / "mcsb-v1.yaml"
    mcsb.write_text(
        mcsb.read_text("utf-8").replace("title: Network segmentation", "title: Segments"), "utf-8"
    )
    (later / "frameworks" / "new.yaml").write_text(OWN.replace("id: own", "id: new"), "utf-8")
    monkeypatch.setattr(data, "policies", lambda: later)
    code, told = call(capsys, "verify", out)
    assert code == 0, told
    assert "acrscan.json came out the same, byte by byte" in told


def test_a_changed_catalogue_in_the_copy_is_found(tmp_path, capsys):
    """It is an input like the rules."""
    out = tmp_path / "reports"
    assert run([*SAVED, "-f", "json", "-o", str(out), "--manifest", "--with-inventory"]) == 0
    path = out / "inputs" / "pack" / "frameworks" / "mcsb-v1.yaml"
    path.write_text(
        path.read_text("utf-8").replace("title: Network segmentation", "title: Segments"), "utf-8"
    )
    code, told = call(capsys, "verify", out)
    assert code != 0
    assert "inputs/pack/frameworks/mcsb-v1.yaml" in told
