package io.flipout.models;

import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;

/**
 * Blocks one after the other, each child under exactly the name it is given.
 *
 * <p>DJL numbers its children ({@code 01conv1}); PyTorch does not ({@code conv1}), or uses the bare
 * index ({@code 0}). A chain does as PyTorch does.
 */
class Chain extends SequentialBlock {

    /** Appends a block under this name. */
    final Chain add(String name, Block block) {
        children.add(name, block);
        return this;
    }

    /** Appends a block under its index. */
    @Override
    public final Chain add(Block block) {
        return add(String.valueOf(children.size()), block);
    }
}
