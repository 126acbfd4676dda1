package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What residual blocks and dense layers pass on when their convolutions are silenced. */
class SkipTest {

    private NDManager manager;
    private NDArray input;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager(Device.cpu());
        input = manager.create(new float[] {-1, 2, 3, -4, 5, 6, -7, 8}, new Shape(1, 2, 2, 2));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void residualBlockPassesItsInputThroughRelu() {
        Block block = new BasicBlock(2, 2, 1);
        NDArray output = silenced(block, "bn2.gamma");

        assertThat(Names.layers(block)).doesNotContainKey("shortcut.0");
        assertThat(output.toFloatArray()).containsExactly(0, 2, 3, 0, 5, 6, 0, 8);
    }

    @Test
    void residualBlockProjectsWhereTheShapeChanges() {
        Block block = new BasicBlock(2, 3, 2);
        silenced(block, "bn2.gamma");
        // Every channel takes the first input channel at every second pixel, which is -1.
        float[] weights = {1, 0, 1, 0, -1, 0};
        Names.parameters(block).get("shortcut.0.weight").getArray().set(weights);

        NDArray output = forward(block);
        assertThat(output.getShape()).isEqualTo(new Shape(1, 3, 1, 1));
        assertThat(output.toFloatArray()[0]).isZero();
        assertThat(output.toFloatArray()[1]).isZero();
        assertThat(output.toFloatArray()[2]).isBetween(0.9999f, 1f);
    }

    @Test
    void denseLayerPutsItsInputFirst() {
        NDArray output = silenced(new DenseLayer(1, 4), "conv2.weight");

        assertThat(output.getShape()).isEqualTo(new Shape(1, 3, 2, 2));
        assertThat(output.toFloatArray()).containsExactly(-1, 2, 3, -4, 5, 6, -7, 8, 0, 0, 0, 0);
    }

    private NDArray silenced(Block block, String parameter) {
        block.initialize(manager, DataType.FLOAT32, input.getShape());
        NDArray array = Names.parameters(block).get(parameter).getArray();
        array.set(new float[(int) array.size()]);
        return forward(block);
    }

    private NDArray forward(Block block) {
        return block.forward(new ParameterStore(manager, false), new NDList(input), false)
                .singletonOrThrow();
    }
}
