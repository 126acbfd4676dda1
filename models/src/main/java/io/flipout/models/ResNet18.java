package io.flipout.models;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/**
 * ResNet-18 for small images: a 3×3 stem without pooling, four stages of two basic blocks, global
 * average pooling (He et al., <a href="https://arxiv.org/abs/1512.03385">Deep Residual Learning for
 * Image Recognition</a>, 2015; in the form of {@code pytorch-cifar}).
 *
 * <p>11,173,962 parameters, 11,164,352 of them prunable, for 3 channels and 10 classes. Input (N,
 * C, H, W), made for 32×32, output (N, classes).
 */
public final class ResNet18 extends Stack {

    /** Filters of the first stage. */
    public static final int WIDTH = 64;

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @throws IllegalArgumentException if a number is out of its range
     */
    public ResNet18(int inputChannels, int classes) {
        this(inputChannels, classes, WIDTH);
    }

    /**
     * Creates a narrower or wider network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @param width the filters of the first stage, at least 1; each stage doubles them
     * @throws IllegalArgumentException if a number is out of its range
     */
    public ResNet18(int inputChannels, int classes, int width) {
        Layers.check(inputChannels, classes);
        if (width < 1) {
            throw new IllegalArgumentException("The width must be at least 1, got " + width);
        }
        add("conv1", conv(width, 3, 1));
        add("bn1", Layers.batchNorm()).add("relu", Layers.relu());
        add("layer1", stage(width, width, 1));
        add("layer2", stage(width, 2 * width, 2));
        add("layer3", stage(2 * width, 4 * width, 2));
        add("layer4", stage(4 * width, 8 * width, 2));
        add("pool", Layers.globalAveragePool());
        add("linear", Layers.linear(classes));
    }

    private static Block stage(int inputs, int filters, int stride) {
        return new Stack()
                .add("0", new BasicBlock(inputs, filters, stride))
                .add("1", new BasicBlock(filters, filters, 1));
    }

    private static Block conv(int filters, int kernel, int stride) {
        return FanIn.uniform(Layers.conv(filters, kernel, stride, kernel / 2, false));
    }

    /** Two convolutions and a shortcut around them. */
    private static final class BasicBlock extends AbstractBlock {

        private final Stack residual;
        private final Stack shortcut;
        private final Block relu = Layers.relu();

        BasicBlock(int inputs, int filters, int stride) {
            residual =
                    new Stack()
                            .add("conv1", conv(filters, 3, stride))
                            .add("bn1", Layers.batchNorm())
                            .add("relu1", Layers.relu())
                            .add("conv2", conv(filters, 3, 1))
                            .add("bn2", Layers.batchNorm());
            shortcut = new Stack();
            if (stride != 1 || inputs != filters) {
                shortcut.add("0", conv(filters, 1, stride)).add("1", Layers.batchNorm());
            }
            // The residual's layers are this block's own, as in the original's names.
            residual.getChildren().forEach(pair -> children.add(pair));
            children.add("shortcut", shortcut);
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            NDList around = shortcut.forward(store, inputs, training);
            NDList through = residual.forward(store, inputs, training);
            return relu.forward(store, new NDList(through.head().add(around.head())), training);
        }

        @Override
        protected void initializeChildBlocks(
                NDManager manager, DataType dataType, Shape... inputShapes) {
            residual.initialize(manager, dataType, inputShapes);
            shortcut.initialize(manager, dataType, inputShapes);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            return residual.getOutputShapes(inputShapes);
        }
    }
}
