package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.junit.jupiter.api.Test;

class ScalarsTest {

    /** A manager of a GPU can be made where there is none, as long as it makes no arrays. */
    @Test
    void aNumberForAGpuLiesOnTheHostAndGoesWithItsOwner() {
        NDArray number;
        try (NDManager owner = NDManager.newBaseManager(Device.gpu())) {
            number = Scalars.of(0.9, owner);
            assertThat(number.getDevice()).isEqualTo(Device.cpu());
            assertThat(number.getShape().dimension()).isZero();
            assertThat(number.getFloat()).isEqualTo(0.9f);
            try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
                NDArray array = manager.create(new float[] {1, 2});
                assertThat(array.muli(number).toFloatArray()).containsExactly(0.9f, 1.8f);
            }
        }
        assertThat(number.isReleased()).isTrue();
    }
}
