package io.flipout.djl.torchscript;

/** How the weights of a TorchScript file are stored. */
public enum Compression {
    /** As they are, aligned so that a reader can map them into memory. */
    NONE,
    /** Deflated: the zeros of a pruned network vanish. PyTorch unpacks them when it loads. */
    DEFLATE,
    /**
     * Only the weights that are not 0, with the gaps between them, deflated; the module rebuilds
     * the dense weights when it loads, and stays small when PyTorch saves it again.
     */
    SPARSE
}
