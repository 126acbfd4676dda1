package io.flipout.djl.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.tensor.ListKernels;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** PyTorch's kernels for lists do what is done tensor by tensor elsewhere, on a 2×2 and a 3. */
class TorchKernelsTest {

    private final NDManager manager = NDManager.newBaseManager("PyTorch");
    private List<NDArray> tensors;
    private ListKernels kernels;

    @BeforeEach
    void make() {
        tensors =
                List.of(
                        manager.create(new float[] {3, 0, 4, 0}, new Shape(2, 2)),
                        manager.create(new float[] {2, -3, 6}));
        kernels = TorchKernels.of(tensors.get(0));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /**
     * Without them a step would fall back to single tensors, and nothing but its time would tell.
     */
    @Test
    void theModuleLoads() {
        assertThat(kernels).isInstanceOf(TorchKernels.class);
        assertThat(TorchKernels.of(tensors.get(1))).as("once a device").isSameAs(kernels);
    }

    @Test
    void flatArraysComeAndGo() {
        NDArray flat = kernels.flatten(tensors, manager);
        assertThat(flat.toFloatArray()).containsExactly(3, 0, 4, 0, 2, -3, 6);
        NDList parts = kernels.split(flat, tensors, manager);
        assertThat(parts.get(0).getShape()).isEqualTo(new Shape(2, 2));
        parts.get(1).addi(1);
        assertThat(flat.toFloatArray()).containsExactly(3, 0, 4, 0, 3, -2, 7);
        kernels.zero(tensors);
        tensors.forEach(tensor -> assertThat(tensor.toFloatArray()).containsOnly(0));
    }

    /** Parameters are read and written outside of autograd, and what is read can be written to. */
    @Test
    void parametersAreReadAndWritten() {
        tensors.forEach(tensor -> tensor.setRequiresGradient(true));
        NDArray flat = kernels.read(tensors, manager);
        flat.muli(2);
        kernels.write(flat, tensors);
        assertThat(tensors.get(0).toFloatArray()).containsExactly(6, 0, 8, 0);
        assertThat(tensors.get(1).toFloatArray()).containsExactly(4, -6, 12);
        assertThat(tensors.get(0).hasGradient()).isTrue();
    }

    /** √(9 + 16) = 5 and √(4 + 9 + 36) = 7. */
    @Test
    void normsAreSpread() {
        NDArray flat = kernels.flatten(tensors, manager);
        NDArray norms = kernels.norms(flat, tensors, manager);
        assertThat(norms.toFloatArray()).containsExactly(5, 7);
        NDArray sizes = manager.create(new long[] {4, 3});
        assertThat(kernels.spread(norms, sizes, flat, manager).toFloatArray())
                .containsExactly(5, 5, 5, 5, 7, 7, 7);
    }
}
