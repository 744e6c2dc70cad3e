"""Scores of molecules against RDKit and fcd-torch themselves."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.errors import UserError

pytest.importorskip("rdkit", reason="RDKit is absent: pip install '.[molecules]'")
fcd_torch = pytest.importorskip("fcd_torch", reason="fcd-torch is absent: pip install '.[molecules]'")

from rdkit import Chem, RDConfig  # noqa: E402
from rdkit.Chem import QED  # noqa: E402

from bgan_text.scores import molecules as scorer  # noqa: E402
from bgan_text.scores.embedding import frechet  # noqa: E402

Command = Callable[..., Any]
SAMPLES = ["OCC", "c1ccccc1O", "CC((", "", "CC(=O)Nc1ccc(O)cc1", "CCO", "C C O", "Clc1ccc(Br)cc1", "C1CC1N"]
VALID = [sample for sample in SAMPLES if sample not in ("CC((", "", "C C O")]
REAL = ["CCN", "c1ccncc1", "CC(C)O", "CC(=O)O", "c1ccc2ccccc2c1", "CCOC(=O)C", "NCCc1ccc(O)c(O)c1", "CCCC"]


def literal_sa(smiles: str, monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.syspath_prepend(str(Path(RDConfig.RDContribDir) / "SA_Score"))
    import sascorer

    return float(sascorer.calculateScore(Chem.MolFromSmiles(smiles)))


def test_means_are_over_what_rdkit_reads(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = scorer.read_molecules(SAMPLES)
    assert scorer.validity(found).value == pytest.approx(6 / 9)
    assert scorer.validity(found).each.tolist() == [1, 1, 0, 0, 1, 1, 0, 1, 1]
    likeness = [QED.qed(Chem.MolFromSmiles(one)) for one in VALID]
    assert scorer.drug_likeness(found).value == pytest.approx(np.mean(likeness), abs=1e-12)
    access = [literal_sa(one, monkeypatch) for one in VALID]
    assert scorer.synthetic_accessibility(found).value == pytest.approx(np.mean(access), abs=1e-12)
    assert capfd.readouterr() == ("", "")  # RDKit explains nothing


def test_the_distance_is_that_of_fcd_torch_over_valid_molecules() -> None:
    before = torch.get_rng_state()
    net = scorer.ChemNet("cpu")
    ours, theirs = scorer.read_molecules(SAMPLES), scorer.read_molecules([*REAL, "nonsense"])
    found = scorer.chemnet_frechet(ours, theirs, net)
    assert torch.equal(before, torch.get_rng_state())
    expected = fcd_torch.FCD(device="cpu")(gen=VALID, ref=REAL)
    # The matrix root of scipy is exact to some digits only where there are fewer molecules than features.
    assert found.value == pytest.approx(expected, rel=1e-3)
    features = fcd_torch.FCD(device="cpu").get_predictions(VALID)
    each = frechet(features, fcd_torch.FCD(device="cpu").get_predictions(REAL)).each
    valid = ours.is_valid > 0
    assert found.each[valid] == pytest.approx((each - each.mean()) * 9 / 6, rel=1e-4, abs=1e-4)
    assert (found.each[~valid] == 0).all()


def test_too_few_molecules_are_not_defined() -> None:
    net, none = scorer.ChemNet("cpu"), scorer.read_molecules(["C((", "CCO"])
    found = scorer.chemnet_frechet(none, scorer.read_molecules(REAL), net)
    assert math.isnan(found.value)
    assert found.note == "fewer than two valid molecules"
    assert math.isnan(scorer.drug_likeness(scorer.read_molecules(["C(("])).value)
    assert net.features([]).shape == (0, 512)


def test_the_report_has_scores_of_molecules_and_the_versions(bgan: Command) -> None:
    for name, texts in (("samples.smi", SAMPLES), ("real.smi", REAL), ("train.smi", REAL[::-1])):
        Path(name).write_text("".join(f"{one}\n" for one in texts), "utf-8")
    words = ("--reference", "real.smi", "--train", "train.smi", "--tokenize", "smiles", "--molecules")
    made = bgan("score", "samples.smi", *words, "--resamples", 50, "--json")
    assert made.code == 0, made.err
    report = json.loads(made.out)
    samples, real = (model["scores"] for model in report["models"])
    assert samples["valid-molecules"]["value"] == pytest.approx(6 / 9)
    assert samples["qed"]["low"] < samples["qed"]["value"] < samples["qed"]["high"]
    assert real["valid-molecules"]["value"] == 1.0
    assert real["chemnet-frechet"]["value"] == pytest.approx(0.0, abs=1e-6)  # the same molecules
    assert samples["chemnet-frechet"]["value"] > 1
    assert samples["chemnet-frechet"]["better"] == "lower"
    assert report["settings"]["molecules"]["references"] == [8, 8]
    assert report["settings"]["molecules"]["fcd-torch"].count(".") == 2
    assert "valid-molecules" not in bgan("score", "samples.smi", *words[:-1], "--json").out
    made = bgan("score", "samples.smi", *words, "--lowercase")
    assert (made.code, made.out) == (1, "")
    assert made.err.strip().endswith("where case has a meaning: leave out --lowercase")


def test_text_that_is_no_molecule_is_refused_as_a_reference() -> None:
    with pytest.raises(
        UserError, match=r"^`molecules`: none of 2 texts of the reference given is a molecule"
    ):
        bt.evaluate({"mine": SAMPLES[:2]}, reference=["a cat sat", "a dog ran"] * 2, molecules=True)


@pytest.mark.parametrize("name", ["rdkit", "fcd_torch"])
def test_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        UserError,
        match=r"^scores of molecules need an extra: pip install .*'\.\[molecules\]'",
    ):
        scorer.read_molecules(["CCO"])
