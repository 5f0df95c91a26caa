"""Quantiles and tails of standard distributions: the functions of scipy.special that scipy.stats calls.

Their values are those of scipy.stats to the last bit (tests/statistics/test_distributions.py). scipy.stats takes 0.7 s
to import and statsmodels as long again, which each job for a table or a figure would pay; what needs them imports them
where it is used.
"""

from scipy.special import betaincinv, chdtrc, fdtrc, fdtri, gammaincinv, ndtr, ndtri, stdtr, stdtrit


def normal_quantile(p):
    """The value that a standard normal variable is below with probability p; elementwise."""
    return ndtri(p)


def normal_below(value):
    """The probability that a standard normal variable is below a value; elementwise."""
    return ndtr(value)


def normal_above(value):
    """The probability that a standard normal variable is above a value; elementwise."""
    return ndtr(-value)


def t_quantile(p, freedom):
    """The value that Student's t with these degrees of freedom is below with probability p."""
    return stdtrit(freedom, p)


def t_above(value, freedom):
    """The probability that Student's t with these degrees of freedom is above a value."""
    return stdtr(freedom, -value)


def chi_square_quantile(p, freedom):
    """The value that chi-square with these degrees of freedom is below with probability p."""
    return 2 * gammaincinv(freedom / 2, p)


def chi_square_above(value, freedom):
    """The probability that chi-square with these degrees of freedom is above a value."""
    return chdtrc(freedom, value)


def f_quantile(p, first, second):
    """The value that F with these degrees of freedom is below with probability p."""
    return fdtri(first, second, p)


def f_above(value, first, second):
    """The probability that F with these degrees of freedom is above a value."""
    return fdtrc(first, second, value)


def beta_quantile(p, a, b):
    """The value that a beta variable of these shapes is below with probability p; elementwise."""
    return betaincinv(a, b, p)
