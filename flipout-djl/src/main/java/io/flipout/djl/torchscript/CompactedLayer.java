package io.flipout.djl.torchscript;

/**
 * What compaction left of a convolution or a linear layer.
 *
 * @param name the path of its module
 * @param filters its filters or outputs before
 * @param filtersLeft those that are computed still
 * @param channels the channels or features that it read before
 * @param channelsLeft those that it reads still
 * @param isSparse whether it multiplies by those weights alone that are not 0
 */
public record CompactedLayer(
        String name,
        int filters,
        int filtersLeft,
        int channels,
        int channelsLeft,
        boolean isSparse) {}
