package io.flipout.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.List;

/**
 * The residual block of {@link ResNet18}: relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)).
 *
 * <p>The shortcut is x itself, or a 1x1 convolution with batch norm where the block changes the
 * image's size or width.
 */
final class BasicBlock extends AbstractBlock {

    private final List<Block> residual;
    // null: x itself
    private final Block shortcut;

    BasicBlock(int inputWidth, int width, int stride) {
        residual =
                List.of(
                        child("conv1", Layers.convNoBias(width, 3, stride)),
                        child("bn1", Layers.batchNorm()),
                        child("relu", Layers.relu()),
                        child("conv2", Layers.convNoBias(width, 3, 1)),
                        child("bn2", Layers.batchNorm()));
        if (stride == 1 && inputWidth == width) {
            shortcut = null;
        } else {
            Chain projection = new Chain();
            projection.add(Layers.convNoBias(width, 1, stride)).add(Layers.batchNorm());
            shortcut = child("shortcut", projection);
        }
    }

    private Block child(String name, Block block) {
        children.add(name, block);
        return block;
    }

    @Override
    protected NDList forwardInternal(
            ParameterStore store,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDList change = inputs;
        for (Block block : residual) {
            change = block.forward(store, change, training, params);
        }
        NDList kept = shortcut == null ? inputs : shortcut.forward(store, inputs, training, params);
        NDArray sum = change.singletonOrThrow().add(kept.singletonOrThrow());
        return new NDList(Activation.relu(sum));
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputShapes) {
        Shape[] shapes = inputShapes;
        for (Block block : residual) {
            block.initialize(manager, type, shapes);
            shapes = block.getOutputShapes(shapes);
        }
        if (shortcut != null) {
            shortcut.initialize(manager, type, inputShapes);
        }
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape[] shapes = inputShapes;
        for (Block block : residual) {
            shapes = block.getOutputShapes(shapes);
        }
        return shapes;
    }
}
