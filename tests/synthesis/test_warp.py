from __future__ import annotations

import numpy as np
import pytest

from synthesis.warp import SheetWarp, draw_wave, smooth_noise


@pytest.mark.parametrize("skew_deg", [-5.0, 0.0, 0.7, 5.0])
def test_points_move_where_ink_moves(skew_deg: float) -> None:
    warp = SheetWarp(400, 300, skew_deg=skew_deg, keystone=0.02, curl_px=6.0, curl_phase=1.0)
    points = np.array([[60.0, 80.0], [200.0, 150.0], [330.0, 240.0]])
    ink = np.zeros((300, 400), np.uint8)
    for x, y in points.astype(int):
        ink[y - 1 : y + 2, x - 1 : x + 2] = 255
    bent = warp.bend(ink).astype(float)
    for x, y in warp.forward(points):
        near = bent[int(y) - 6 : int(y) + 8, int(x) - 6 : int(x) + 8]
        rows, columns = np.mgrid[int(y) - 6 : int(y) + 8, int(x) - 6 : int(x) + 8]
        assert abs((near * columns).sum() / near.sum() - x) < 0.2
        assert abs((near * rows).sum() / near.sum() - y) < 0.2


def test_forward_undoes_backward() -> None:
    warp = SheetWarp(1240, 1750, skew_deg=5.0, keystone=0.02, curl_px=20.0)
    points = np.random.default_rng(0).uniform(0, 1240, (50, 2))
    moved = warp.forward(points)
    back = np.stack(warp.backward(moved[:, 0], moved[:, 1]), axis=1)
    assert np.abs(back - points).max() < 1e-4


def test_flat_sheet_stays_as_it_is() -> None:
    ink = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    assert np.array_equal(SheetWarp(60, 40).bend(ink), ink)


def test_noise_has_the_shape_asked_for_and_is_repeatable() -> None:
    one, other = (smooth_noise(np.random.default_rng(3), 30, 70, 9.0) for _ in range(2))
    assert one.shape == (30, 70) and one.dtype == np.float32
    assert np.array_equal(one, other)


def test_wave_stays_near_its_height() -> None:
    for seed in range(20):
        wave = draw_wave(np.random.default_rng(seed), 4.0, 900.0)
        assert np.abs(wave.at(np.arange(900.0))).max() < 20.0
