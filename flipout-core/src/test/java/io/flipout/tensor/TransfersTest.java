package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Arrays that say that they lie on a GPU, and leave behind what DJL's arrays there do. */
class TransfersTest {

    private final NDManager manager = NDManager.newBaseManager(Device.cpu());

    /** What DJL makes for the copies that it takes. */
    private final List<NDManager> left = new ArrayList<>();

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray onGpu(NDArray real) {
        return (NDArray)
                Proxy.newProxyInstance(
                        NDArray.class.getClassLoader(),
                        new Class<?>[] {NDArray.class},
                        (proxy, method, arguments) ->
                                switch (method.getName()) {
                                    case "getDevice" -> Device.gpu();
                                    case "stopGradient" -> onGpu(real.stopGradient());
                                    case "toDevice" -> copied(real);
                                    case "toFloatArray" -> copied(real).toFloatArray();
                                    default -> method.invoke(real, arguments);
                                });
    }

    private NDArray copied(NDArray real) {
        NDManager another = real.getManager().newSubManager(Device.cpu());
        left.add(another);
        NDArray copy = real.duplicate();
        copy.attach(another);
        return copy;
    }

    @Test
    void djlLeavesWhatItReadsThrough() {
        NDArray array = onGpu(manager.create(new float[] {1, 2}));
        assertThat(array.toFloatArray()).containsExactly(1, 2);
        assertThat(left).hasSize(1).allMatch(NDManager::isOpen);
        assertThat(manager.getManagedArrays()).hasSize(2);
    }

    @Test
    void readingLeavesNothingBehind() {
        NDArray array = onGpu(manager.create(new float[] {1, 2}));
        for (int i = 0; i < 3; i++) {
            assertThat(Transfers.floats(array)).containsExactly(1, 2);
        }
        assertThat(left).hasSize(3).noneMatch(NDManager::isOpen);
        assertThat(manager.getManagedArrays()).hasSize(1);
        assertThat(array.toFloatArray()).as("The array itself").containsExactly(1, 2);
    }

    @Test
    void anArrayOnTheHostIsReadAsItIs() {
        NDArray array = manager.create(new int[] {3, 4});
        NDArray wide = manager.create(new long[] {5, 6});
        assertThat(Transfers.ints(array)).containsExactly(3, 4);
        assertThat(Transfers.longs(wide)).containsExactly(5, 6);
        assertThat(Transfers.bytes(array.toType(DataType.INT8, true))).containsExactly(3, 4);
        assertThat(Transfers.doubles(array.toType(DataType.FLOAT64, true))).containsExactly(3, 4);
    }

    @Test
    void aCopyIsItsOwnersAndNothingElseIsLeft() {
        NDArray array = onGpu(manager.create(new float[] {1, 2}));
        try (NDManager owner = manager.newSubManager()) {
            NDArray copy = Transfers.copy(array, Device.cpu(), owner);
            assertThat(copy.toFloatArray()).containsExactly(1, 2);
            assertThat(copy.getManager()).isSameAs(owner);
        }
        assertThat(left).hasSize(1).noneMatch(NDManager::isOpen);
        assertThat(manager.getManagedArrays()).hasSize(1);
    }

    @Test
    void movingClosesWhatLiesElsewhere() {
        NDArray there = manager.create(new float[] {1, 2});
        NDArray here = manager.create(new float[] {3, 4});
        try (NDManager owner = manager.newSubManager()) {
            NDArray moved = Transfers.move(onGpu(there), Device.cpu(), owner);
            assertThat(moved.toFloatArray()).containsExactly(1, 2);
            assertThat(there.isReleased()).isTrue();
            assertThat(Transfers.move(here, Device.cpu(), owner)).isSameAs(here);
            assertThat(here.getManager()).isSameAs(owner);
        }
        assertThat(here.isReleased()).isTrue();
        assertThat(left).hasSize(1).noneMatch(NDManager::isOpen);
    }

    @Test
    void aCopyOfWhatLiesThereAlreadyIsOneToo() {
        NDArray array = manager.create(new float[] {1, 2});
        NDArray copy = Transfers.copy(array, Device.cpu(), manager);
        copy.addi(array);
        assertThat(array.toFloatArray()).containsExactly(1, 2);
        assertThat(copy.toFloatArray()).containsExactly(2, 4);
    }

    @Test
    void otherTypesAreReadAsFloatsToo() {
        NDArray wide = manager.create(new double[] {1, 1e300});
        assertThat(Transfers.floats(wide)).containsExactly(1, Float.POSITIVE_INFINITY);
        assertThat(Transfers.floats(manager.create(new int[] {3, 4}))).containsExactly(3, 4);
        assertThat(manager.getManagedArrays()).hasSize(2);
    }
}
