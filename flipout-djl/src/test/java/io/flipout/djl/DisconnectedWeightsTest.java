package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.flipout.criterion.Criterion;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.ParameterRole;
import io.flipout.mask.WeightSelector;
import io.flipout.method.PruningMethod;
import io.flipout.models.Models;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DisconnectedWeightsTest {

    private static List<ParameterInfo> weights(Block block) {
        return WeightSelector.builder().build().select(block, p -> p.requiresGradient());
    }

    private static Map<String, Mask> masks(List<ParameterInfo> weights) {
        Map<String, Mask> masks = new LinkedHashMap<>();
        weights.stream()
                .filter(ParameterInfo::prunable)
                .forEach(info -> masks.put(info.path(), new Mask(info.size())));
        return masks;
    }

    /** Unit 0 is fed, unit 1 is not, and unit 2 leads nowhere. */
    @Test
    void weightsOnNoPathAreFound() {
        Block block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(3).build())
                        .add(Activation::relu)
                        .add(Linear.builder().setUnits(1).build());
        try (NDManager manager = NDManager.newBaseManager()) {
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
            List<ParameterInfo> weights = weights(block);
            Map<String, Mask> masks = masks(weights);
            DisconnectedWeights disconnected = new DisconnectedWeights(block, weights);
            assertThat(disconnected.find(masks).values()).allMatch(BitSet::isEmpty);
            Mask first = masks.get("01Linear.weight");
            Mask second = masks.get("03Linear.weight");
            first.prune(2);
            first.prune(3);
            second.prune(2);
            assertThat(disconnected.find(masks).get("01Linear.weight").stream())
                    .containsExactly(4, 5);
            assertThat(disconnected.find(masks).get("03Linear.weight").stream()).containsExactly(1);
            second.prune(0);
            assertThat(disconnected.find(masks)).as("no path is left").isEmpty();
        }
    }

    /**
     * In a network of weights of 0 and more, whose biases are 0, what is not fed is 0: then
     * disconnected weights can be anything, and the network computes the same.
     */
    @ParameterizedTest
    @EnumSource(
            value = Models.class,
            names = {"LENET300", "LENET5", "CONV6", "RESNET18", "VGG13", "DENSENET121"})
    void whatIsDisconnectedDoesNothing(Models model) {
        Block block = model.newBlock((int) model.inputShape().get(0), 10);
        try (NDManager manager = NDManager.newBaseManager()) {
            Shape shape = new Shape(1).addAll(model.inputShape());
            block.initialize(manager, DataType.FLOAT32, shape);
            List<ParameterInfo> weights = weights(block);
            Map<String, Mask> masks = masks(weights);
            SplittableRandom random = new SplittableRandom(1);
            for (ParameterInfo info : weights) {
                Mask mask = masks.get(info.path());
                if (mask != null) {
                    int inputs = info.connections().inputs();
                    prune(info, mask, i -> random.nextInt(inputs) > 2);
                } else if (info.role().kind() == ParameterRole.Kind.BIAS) {
                    info.parameter().getArray().set(new float[info.size()]);
                }
            }
            Map<String, BitSet> found = new DisconnectedWeights(block, weights).find(masks);
            assertThat(found).containsOnlyKeys(masks.keySet());
            NDList image = new NDList(manager.randomUniform(0, 1, shape));
            float[] before = outputs(block, image);
            assertThat(before).isNotEqualTo(new float[10]);
            int all = 0;
            for (ParameterInfo info : weights) {
                if (info.prunable()) {
                    BitSet here = found.get(info.path());
                    float[] values = info.parameter().getArray().toFloatArray();
                    here.stream().forEach(i -> values[i] = 7);
                    info.parameter().getArray().set(values);
                    all += here.cardinality();
                }
            }
            assertThat(all).isPositive();
            assertThat(outputs(block, image)).containsExactly(before);
        }
    }

    private static void prune(ParameterInfo info, Mask mask, IntPredicate goes) {
        float[] values = info.parameter().getArray().toFloatArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.abs(values[i]);
            if (goes.test(i)) {
                mask.prune(i);
                values[i] = 0;
            }
        }
        info.parameter().getArray().set(values);
    }

    private static float[] outputs(Block block, NDList image) {
        ParameterStore store = new ParameterStore(image.head().getManager(), false);
        return block.forward(store, image, false).head().toFloatArray();
    }

    /** Unit 7 has lost its inputs; its outputs rank highest, and go next, or stay. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void disconnectedWeightsGoBeforeAllOthersIfTheMethodSaysSo(boolean disconnectedFirst) {
        PruningMethod method =
                new PruningMethod() {
                    @Override
                    public String name() {
                        return "disconnected";
                    }

                    @Override
                    public Criterion criterion() {
                        return tensor -> {
                            int size = tensor.weights().length;
                            double[] scores = new double[size];
                            for (int i = 0; i < size; i++) {
                                boolean isLast = size == 24 && i % 8 == 7;
                                scores[i] = size == 48 ? -i : isLast ? 1 : 0;
                            }
                            return scores;
                        };
                    }

                    @Override
                    public boolean prunesDisconnectedFirst() {
                        return disconnectedFirst;
                    }
                };
        Schedule schedule =
                weights ->
                        List.of(
                                new PruningEvent(Unit.STEP, 2, weights - 6),
                                new PruningEvent(Unit.STEP, 4, weights - 9));
        Pruner pruner = Pruner.builder().setMethod(method).setSchedule(schedule).build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener());
        }
        Mask first = pruner.masks().get("01Linear.weight");
        Mask second = pruner.masks().get("04Linear.weight");
        assertThat(first.remaining()).isEqualTo(disconnectedFirst ? 42 : 39);
        for (int i = 7; i < 24; i += 8) {
            assertThat(second.isAlive(i)).isEqualTo(!disconnectedFirst);
        }
    }

    /** A network that does what no graph has trains and is pruned as ever. */
    @Test
    void whereTheNetworkCannotBeFollowednothingIsDisconnected() {
        Block block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(2).build())
                        .add(list -> new NDList(list.head().get(":, 0:1")))
                        .add(list -> new NDList(list.head().mul(list.head().toFloatArray()[0])))
                        .add(Linear.builder().setUnits(1).build());
        try (NDManager manager = NDManager.newBaseManager()) {
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
            List<ParameterInfo> weights = weights(block);
            Map<String, Mask> masks = masks(weights);
            masks.get("01Linear.weight").prune(0);
            masks.get("01Linear.weight").prune(1);
            assertThat(new DisconnectedWeights(block, weights).find(masks)).isEmpty();
        }
    }
}
