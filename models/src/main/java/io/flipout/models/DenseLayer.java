package io.flipout.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** The layer of {@link DenseNet121}: passes its input on, and adds a few new channels behind it. */
final class DenseLayer extends AbstractBlock {

    private final int growth;

    DenseLayer(int growth, int bottleneck) {
        this.growth = growth;
        children.add("norm1", Layers.batchNorm());
        children.add("relu1", Layers.relu());
        children.add("conv1", Layers.convNoBias(bottleneck, 1, 1));
        children.add("norm2", Layers.batchNorm());
        children.add("relu2", Layers.relu());
        children.add("conv2", Layers.convNoBias(growth, 3, 1));
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDList added = inputs;
        for (Block block : children.values()) {
            added = block.forward(store, added, training, params);
        }
        NDArray input = inputs.singletonOrThrow();
        return new NDList(input.concat(added.singletonOrThrow(), 1));
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputShapes) {
        Shape[] shapes = inputShapes;
        for (Block block : children.values()) {
            block.initialize(manager, type, shapes);
            shapes = block.getOutputShapes(shapes);
        }
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        long[] shape = inputShapes[0].getShape().clone();
        shape[1] += growth;
        return new Shape[] {new Shape(shape)};
    }
}
