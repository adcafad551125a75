"""Convolutions by Winograd's minimal filtering: a quarter of the multiplications, or fewer.

A tile of m × m results of a 3 × 3 convolution takes (m + 2)² multiplications for each pair of
channels instead of 9 m² (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR
2016, section 4): 2.25 times fewer for m = 2, four times fewer for m = 4. Sums over the channels are
matrix products, one for each of the (m + 2)² places of a transformed tile; what comes before and
after are a few additions for each value.
"""
