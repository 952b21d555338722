# The layers, lowest first: the total order of the house. tools/check_layers reads this list.
# A file includes only from its own layer or from layers named before it; layers in one pair of
# brackets of the second list may not include each other.
set(BRISK_LAYERS
  base ir ops autodiff passes runtime backends nn formats data profile compress train optimize cli)
