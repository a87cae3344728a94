from scipy.fft import next_fast_len

from edge.signal.fourier import fast_length


def test_lengths_are_those_of_scipy() -> None:
    lengths = [*range(1, 3000), 17_039, 99_991, 131_073, 900_001, 1 << 22]
    assert [fast_length(least) for least in lengths] == [next_fast_len(least, real=True) for least in lengths]
