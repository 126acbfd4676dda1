package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.SignFlips;
import io.flipout.signal.Signal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A weight of two by two, a bias of one, and a weight of three, on flat arrays. */
class DeviceStepTest {

    /** Three tensors under pruning, of which the bias has no mask. */
    private static final class Network implements AutoCloseable {

        final NDManager manager = NDManager.newBaseManager();
        final List<NDArray> weights = new ArrayList<>();
        final List<NDArray> gradients = new ArrayList<>();
        final List<TrainedTensor> tensors = new ArrayList<>();
        final Mask first = new Mask(4);
        final Mask last = new Mask(3);

        Network() {
            add(new Shape(2, 2), first, true, 1, -2, 3, -4);
            add(new Shape(1), null, false, 5);
            add(new Shape(3), last, true, -6, 7, 8);
            gradients.add(manager.create(new float[] {3, 4, 0, 0}, new Shape(2, 2)));
            gradients.add(manager.create(new float[] {-2}));
            gradients.add(manager.create(new float[] {2, 3, 6}));
        }

        private void add(Shape shape, Mask mask, boolean prunable, float... values) {
            NDArray weight = manager.create(values, shape);
            weight.setRequiresGradient(true);
            weights.add(weight);
            ParameterInfo info = Trained.info(tensors.size(), weight, prunable);
            tensors.add(new TrainedTensor(info, weight, mask, 0));
        }

        List<ParameterInfo> infos() {
            return tensors.stream().map(TrainedTensor::info).toList();
        }

        List<Update> step() {
            List<Update> step = new ArrayList<>();
            for (int i = 0; i < tensors.size(); i++) {
                step.add(Update.of(tensors.get(i), weights.get(i), gradients.get(i)));
            }
            return step;
        }

        float[] weight(int tensor) {
            return weights.get(tensor).toFloatArray();
        }

        @Override
        public void close() {
            manager.close();
        }
    }

    private static void with(Consumer<Network> test) {
        Path.ENGINE.run(
                () -> {
                    try (Network network = new Network()) {
                        test.accept(network);
                    }
                });
    }

    private static void step(Network network, Consumer<DeviceStep> work) {
        List<Update> updates = network.step();
        try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels());
                DeviceStep step = tensors.step(updates)) {
            work.accept(step);
        }
    }

    /**
     * A tensor's mask is its own: it stays what it is when the tensors that it was joined with go
     * apart, and their buffer is collected and used again.
     */
    @Test
    void masksOutliveTheJoinedTensors() {
        int size = 1 << 20;
        Path.ENGINE.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = new Mask(size);
                        IntStream.range(0, size).filter(i -> i % 2 == 0).forEach(mask::prune);
                        NDArray weight = manager.ones(new Shape(size));
                        TrainedTensor tensor = Trained.tensor(weight, mask);
                        List<Update> step =
                                List.of(Update.of(tensor, weight, manager.ones(new Shape(size))));
                        try (DeviceTensors joined = new DeviceTensors(step, new ListKernels());
                                DeviceStep begun = joined.step(step)) {
                            begun.gradients();
                        }
                        List<ByteBuffer> others = new ArrayList<>();
                        for (int i = 0; i < 50; i++) {
                            System.gc();
                            ByteBuffer other = ByteBuffer.allocateDirect(size);
                            while (other.hasRemaining()) {
                                other.putLong(0x0101010101010101L);
                            }
                            others.add(other);
                        }
                        tensor.applyMask(tensor.values());
                        assertThat(weight.sum().getFloat()).isEqualTo(size / 2f);
                        assertThat(others).hasSize(50);
                    }
                });
    }

    @Test
    void flatArraysHoldOneTensorAfterTheOther() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    assertThat(step.weights().toFloatArray())
                                            .containsExactly(1, -2, 3, -4, 5, -6, 7, 8);
                                    assertThat(step.gradients().toFloatArray())
                                            .containsExactly(3, 4, 0, 0, -2, 2, 3, 6);
                                    assertThat(step.updates()).hasSize(3);
                                    assertThat(step.device())
                                            .isEqualTo(network.weights.get(0).getDevice());
                                }));
    }

    @Test
    void weightsGoBackWhereTheyCameFromOutsideOfAutograd() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    step.weights().muli(2);
                                    assertThat(network.weight(0)).containsExactly(1, -2, 3, -4);
                                    step.putWeights();
                                    assertThat(network.weight(0)).containsExactly(2, -4, 6, -8);
                                    assertThat(network.weight(1)).containsExactly(10);
                                    assertThat(network.weight(2)).containsExactly(-12, 14, 16);
                                    assertThat(network.weights.get(0).hasGradient()).isTrue();
                                }));
    }

    @Test
    void whatIsPrunedIsZeroInGradientsAndWeightsThatArePut() {
        with(
                network -> {
                    network.first.prune(1);
                    network.last.prune(2);
                    network.gradients.set(2, network.manager.create(new float[] {2, 3, Float.NaN}));
                    step(
                            network,
                            step -> {
                                assertThat(step.gradients().toFloatArray())
                                        .containsExactly(3, 0, 0, 0, -2, 2, 3, 0);
                                step.putWeights();
                                assertThat(network.weight(0)).containsExactly(1, 0, 3, -4);
                                assertThat(network.weight(2)).containsExactly(-6, 7, 0);
                            });
                });
    }

    /** The masks lie on the device once, and follow those of the host. */
    @Test
    void masksAreTakenUpWhenTheyChange() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        network.first.prune(0);
                        try (DeviceStep step = tensors.step(updates)) {
                            assertThat(step.gradients().toFloatArray()).startsWith(0, 4);
                        }
                        NDArray shared = network.tensors.get(0).deviceMask();
                        assertThat(shared.toBooleanArray())
                                .containsExactly(false, true, true, true);
                        try (DeviceStep step = tensors.step(updates)) {
                            assertThat(step.gradients().toFloatArray()).startsWith(0, 4);
                        }
                        assertThat(network.tensors.get(0).deviceMask()).isSameAs(shared);
                        network.last.prune(0);
                        try (DeviceStep step = tensors.step(updates)) {
                            assertThat(step.gradients().toFloatArray())
                                    .containsExactly(0, 4, 0, 0, -2, 0, 3, 6);
                        }
                        network.first.revive(0);
                        network.last.revive(0);
                        try (DeviceStep step = tensors.step(updates)) {
                            assertThat(step.gradients().toFloatArray())
                                    .containsExactly(3, 4, 0, 0, -2, 2, 3, 6);
                        }
                    }
                });
    }

    /** √(9 + 16) = 5, 2, and √(4 + 9 + 36) = 7. */
    @Test
    void normsAreOfTensorsAndAreSpreadOverThem() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    NDArray norms = step.norms(step.gradients());
                                    assertThat(norms.toFloatArray()).containsExactly(5, 2, 7);
                                    assertThat(step.spread(norms).toFloatArray())
                                            .containsExactly(5, 5, 5, 5, 2, 7, 7, 7);
                                }));
    }

    @Test
    void partsWriteToTheFlatArray() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    NDList parts = step.parts(step.gradients());
                                    assertThat(parts.get(0).getShape()).isEqualTo(new Shape(2, 2));
                                    parts.get(1).addi(1);
                                    parts.get(2).muli(2);
                                    assertThat(step.gradients().toFloatArray())
                                            .containsExactly(3, 4, 0, 0, -1, 4, 6, 12);
                                }));
    }

    @Test
    void gradientsAreClearedWhereTheyCameFrom() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    step.clearGradients();
                                    network.gradients.forEach(
                                            gradient ->
                                                    assertThat(gradient.toFloatArray())
                                                            .containsOnly(0));
                                }));
    }

    @Test
    void weightsThatMovedWhereTheyLieAreReadAgain() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    step.weights();
                                    network.tensors.get(1).values().addi(1);
                                    step.forgetWeights();
                                    assertThat(step.weights().toFloatArray()[4]).isEqualTo(6);
                                }));
    }

    /** States are brought together once; the tensors' own are views that see what is written. */
    @Test
    void statesAreJoinedAndStayTheTensorsOwn() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    NDManager manager = network.manager;
                    List<NDArray> states = new ArrayList<>();
                    states.add(manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2)));
                    states.add(null);
                    states.add(manager.create(new float[] {5, 6, 7}));
                    NDArray before = states.get(0);
                    DeviceTensors tensors = new DeviceTensors(updates, new ListKernels());
                    NDArray[] joined = new NDArray[2];
                    for (int i = 0; i < 2; i++) {
                        try (DeviceStep step = tensors.step(updates)) {
                            joined[i] =
                                    step.join(
                                            "state",
                                            DataType.FLOAT32,
                                            states,
                                            (tensor, view) -> {
                                                view.attach(manager);
                                                states.set(tensor, view);
                                            });
                            joined[i].addi(1);
                        }
                    }
                    assertThat(joined[1]).as("brought together once").isSameAs(joined[0]);
                    assertThat(joined[0].toFloatArray()).containsExactly(3, 4, 5, 6, 2, 7, 8, 9);
                    assertThat(states.get(0).getShape()).isEqualTo(new Shape(2, 2));
                    assertThat(before.isReleased()).isTrue();
                    tensors.close();
                    assertThat(states.get(2).toFloatArray())
                            .as("outlives the joining")
                            .containsExactly(7, 8, 9);
                });
    }

    @Test
    void tensorsAreKnownByTheirArraysInOrder() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        assertThat(tensors.isOf(network.step())).isTrue();
                        assertThat(tensors.isOf(updates.subList(0, 2))).isFalse();
                        assertThat(
                                        tensors.isOf(
                                                List.of(
                                                        updates.get(0),
                                                        updates.get(2),
                                                        updates.get(1))))
                                .isFalse();
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(
            value = NoiseScale.class,
            names = {"GRADIENT", "WEIGHT", "FIXED", "ANNEALED"})
    void noiseOfAStepIsThatOfItsTensors(NoiseScale scale) {
        for (ParameterScope scope : ParameterScope.values()) {
            for (boolean everywhere : new boolean[] {false, true}) {
                GaussianNoise noise = new GaussianNoise(.5f, scale, scope, everywhere);
                with(network -> assertSameNoise(network, noise, 3));
                with(network -> assertSameNoise(network, noise, 2));
            }
        }
    }

    private static void assertSameNoise(Network network, GaussianNoise noise, int count) {
        network.first.prune(3);
        network.last.prune(0);
        List<float[]> alone = new ArrayList<>();
        try (GradientTerm.Running running = noise.start(network.infos(), 7)) {
            for (int i = 0; i < count; i++) {
                TrainedTensor tensor = network.tensors.get(i);
                try (NDArray gradient = network.gradients.get(i).duplicate()) {
                    tensor.applyMask(gradient);
                    running.apply(tensor, gradient);
                    alone.add(gradient.toFloatArray());
                }
            }
        }
        List<Update> updates = network.step().subList(0, count);
        try (GradientTerm.Running running = noise.start(network.infos(), 7);
                DeviceTensors tensors = new DeviceTensors(updates, new ListKernels());
                DeviceStep step = tensors.step(updates)) {
            assertThat(running.apply(step)).isTrue();
            NDList parts = step.parts(step.gradients());
            for (int i = 0; i < count; i++) {
                assertThat(parts.get(i).toFloatArray())
                        .containsExactly(alone.get(i), within(1e-6f));
            }
        }
    }

    @Test
    void everyStepDrawsAfresh() {
        with(
                network -> {
                    GaussianNoise noise =
                            new GaussianNoise(1, NoiseScale.FIXED, ParameterScope.ALL);
                    List<Update> updates = network.step();
                    List<float[]> drawn = new ArrayList<>();
                    try (GradientTerm.Running running = noise.start(network.infos(), 1);
                            DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        for (int i = 0; i < 2; i++) {
                            try (DeviceStep step = tensors.step(updates)) {
                                running.apply(step);
                                drawn.add(step.gradients().toFloatArray());
                            }
                            network.tensors.forEach(TrainedTensor::countStep);
                        }
                    }
                    assertThat(drawn.get(0)).isNotEqualTo(drawn.get(1));
                });
    }

    /** 1 → −1 and −6 → 6 flip, 3 → 0 counts, and a pruned weight has no sign. */
    @Test
    void flipsOfAStepAreThoseOfItsTensors() {
        with(
                network -> {
                    SignFlips signal = new SignFlips();
                    List<Signal.Watch> watches = new ArrayList<>();
                    watches.add(signal.watch(network.tensors.get(0)));
                    watches.add(null);
                    watches.add(signal.watch(network.tensors.get(2)));
                    List<Update> updates = network.step();
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        float[][] moves = {
                            {-1, -2, 0, -4, 5, 6, 7, 8}, {-1, 2, 3, -4, -5, 6, -7, 8}
                        };
                        for (float[] move : moves) {
                            try (DeviceStep step = tensors.step(updates)) {
                                step.weights()
                                        .set(
                                                new NDIndex("..."),
                                                step.own(network.manager.create(move)));
                                step.putWeights();
                                assertThat(signal.afterStep(step, watches)).isTrue();
                            }
                        }
                    }
                    assertThat(flips(watches.get(0))).containsExactly(1, 1, 2, 0);
                    assertThat(flips(watches.get(2))).containsExactly(1, 1, 0);

                    network.first.prune(2);
                    watches.get(0).afterPruning();
                    assertThat(flips(watches.get(0))).containsExactly(1, 1, 0, 0);
                    watches.get(0).restore(new int[] {9, 8, 0, 6});
                    assertThat(flips(watches.get(0))).containsExactly(9, 8, 0, 6);
                    assertThat(flips(watches.get(2))).containsExactly(1, 1, 0);
                });
    }

    private static int[] flips(Signal.Watch watch) {
        return ((SignFlips.Counts) watch).flips();
    }

    /** A state that was replaced by another is taken up anew. */
    @Test
    void aStateThatIsReplacedIsJoinedAgain() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    NDManager manager = network.manager;
                    List<NDArray> states = new ArrayList<>();
                    for (NDArray weight : network.weights) {
                        states.add(manager.zeros(weight.getShape()));
                    }
                    DeviceTensors.Handout handout =
                            (tensor, view) -> {
                                view.attach(manager);
                                states.set(tensor, view);
                            };
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        try (DeviceStep step = tensors.step(updates)) {
                            step.join("state", DataType.FLOAT32, states, handout).addi(1);
                        }
                        states.get(2).close();
                        states.set(2, manager.create(new float[] {7, 8, 9}));
                        try (DeviceStep step = tensors.step(updates)) {
                            assertThat(
                                            step.join("state", DataType.FLOAT32, states, handout)
                                                    .toFloatArray())
                                    .containsExactly(1, 1, 1, 1, 1, 7, 8, 9);
                        }
                    }
                    assertThat(states.get(0).toFloatArray()).containsOnly(1);
                });
    }

    @Test
    void whatIsClosedTakesNoSteps() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    DeviceTensors tensors = new DeviceTensors(updates, new ListKernels());
                    tensors.close();
                    assertThatThrownBy(() -> tensors.step(updates).weights())
                            .isInstanceOf(IllegalStateException.class);
                });
    }

    /** What a tensor has for itself gives way to the view, which goes when the tensor closes. */
    @Test
    void aSharedMaskBelongsToItsTensor() {
        with(
                network -> {
                    network.first.prune(1);
                    List<Update> updates = network.step();
                    TrainedTensor tensor = network.tensors.get(0);
                    NDArray own = tensor.deviceMask();
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels());
                            DeviceStep step = tensors.step(updates)) {
                        step.gradients();
                        assertThat(own.isReleased()).isTrue();
                        assertThat(tensor.manager().getManagedArrays())
                                .contains(tensor.deviceMask());
                    }
                    assertThat(tensor.deviceMask().toBooleanArray())
                            .containsExactly(true, false, true, true);
                });
    }

    @Test
    void masksThatChangeLeaveNoArraysBehind() {
        with(
                network -> {
                    List<Update> updates = network.step();
                    int[] arrays = new int[4];
                    try (DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        for (int i = 0; i < arrays.length; i++) {
                            network.first.prune(i % 2);
                            network.first.revive(1 - i % 2);
                            network.tensors.get(0).applyMask(network.tensors.get(0).values());
                            try (DeviceStep step = tensors.step(updates)) {
                                step.gradients();
                            }
                            arrays[i] =
                                    network.tensors.get(0).manager().getManagedArrays().size()
                                            + network.manager.getManagedArrays().size();
                        }
                    }
                    assertThat(arrays).as(Arrays.toString(arrays)).containsOnly(arrays[0]);
                });
    }

    @Test
    void aStepLeavesNoArraysBehind() {
        with(
                network -> {
                    network.first.prune(0);
                    GaussianNoise noise =
                            new GaussianNoise(1, NoiseScale.GRADIENT, ParameterScope.ALL);
                    List<Update> updates = network.step();
                    int[] arrays = new int[4];
                    try (GradientTerm.Running running = noise.start(network.infos(), 1);
                            DeviceTensors tensors = new DeviceTensors(updates, new ListKernels())) {
                        for (int i = 0; i < arrays.length; i++) {
                            try (DeviceStep step = tensors.step(updates)) {
                                running.apply(step);
                                step.putWeights();
                                step.clearGradients();
                            }
                            network.tensors.forEach(TrainedTensor::countStep);
                            arrays[i] = network.manager.getManagedArrays().size();
                        }
                    }
                    assertThat(arrays).as(Arrays.toString(arrays)).containsOnly(arrays[0]);
                });
    }

    @Test
    void numbersThatStayTheSameAreCopiedToTheDeviceOnce() {
        with(
                network ->
                        step(
                                network,
                                step -> {
                                    NDArray numbers = step.constant("shares", 1, 2, 3);
                                    assertThat(step.constant("shares", 1, 2, 3)).isSameAs(numbers);
                                    assertThat(step.constant("others", 1, 2, 3))
                                            .isNotSameAs(numbers);
                                    NDArray changed = step.constant("shares", 1, 2, 4);
                                    assertThat(changed.toFloatArray()).containsExactly(1, 2, 4);
                                    assertThat(numbers.isReleased()).isTrue();
                                }));
    }
}
