package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.util.PairList;
import io.flipout.djl.training.TrainingLoop;
import io.flipout.mask.Mask;
import io.flipout.method.DeepR;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.List;
import java.util.Map;
import java.util.function.ObjIntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a network brings along: values that are none, zeros, parameters of odd kinds. */
class ArrivalTest {

    private static Pruner.Builder builder(Schedule schedule) {
        return Pruner.builder().setMethod(GlobalMagnitude.builder().build()).setSchedule(schedule);
    }

    private static long alive(Pruner pruner) {
        return pruner.masks().values().stream().mapToLong(Mask::remaining).sum();
    }

    /** Sets a value of a parameter, once the network is initialised, and trains. */
    private static void train(
            Pruner pruner, String parameter, float value, ObjIntConsumer<Trainer> training) {
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        NDArray array = tiny.block().getParameters().get(parameter).getArray();
                        float[] values = array.toFloatArray();
                        values[1] = value;
                        array.set(values);
                        training.accept(trainer, 1);
                    },
                    pruner.listener());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "01Linear_weight, NaN,       01Linear.weight",
        "04Linear_bias,   Infinity,  04Linear.bias",
        "01Linear_weight, -Infinity, 01Linear.weight",
        "02BatchNorm_runningVar, NaN, 02BatchNorm.runningVar",
        "02BatchNorm_gamma, NaN,     02BatchNorm.gamma",
    })
    void aNetworkThatArrivesWithNoNumbersIsToldSo(String parameter, float value, String path) {
        Pruner pruner = builder(Schedule.toSparsity(.5).overEpochs(2)).build();
        assertThatThrownBy(() -> train(pruner, parameter, value, ArrivalTest::fit))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(path + " holds NaN or infinities before the first step")
                .hasMessageNotContaining("learning rate");
        assertThatThrownBy(() -> train(pruner(), parameter, value, ArrivalTest::loop))
                .hasMessageContaining(path + " holds NaN or infinities before the first step");
        Pruner before = builder(Schedule.oneShot(.5, Unit.EPOCH, 0)).build();
        assertThatThrownBy(
                        () ->
                                train(
                                        before,
                                        parameter,
                                        value,
                                        (trainer, epochs) -> before.pruneBeforeTraining()))
                .hasMessageContaining(path + " holds NaN or infinities before the first step");
    }

    private static Pruner pruner() {
        return builder(Schedule.none()).build();
    }

    private static void fit(Trainer trainer, int epochs) {
        run(trainer, data -> EasyTrain.fit(trainer, epochs, data, null));
    }

    private static void loop(Trainer trainer, int epochs) {
        run(
                trainer,
                data ->
                        TrainingLoop.builder()
                                .setTrainer(trainer)
                                .setEpochs(epochs)
                                .setTrain(data)
                                .build()
                                .run());
    }

    private interface Work {
        void run(Dataset data) throws Exception;
    }

    private static void run(Trainer trainer, Work work) {
        try (NDManager manager = trainer.getManager().newSubManager()) {
            work.run(TinyTraining.data(manager));
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Prunes the network to a quarter, and fine-tunes it with another pruner. */
    private static Map<String, float[]> fineTune(Pruner second) {
        Pruner first = builder(Schedule.toSparsity(.75).overEpochs(3)).build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(first.wrap(TinyTraining.sgd()), 3, first.listener());
            tiny.fit(second.wrap(TinyTraining.sgd()), 3, second.listener());
            return tiny.weights();
        }
    }

    private static long zeros(Map<String, float[]> weights) {
        long zeros = 0;
        for (float[] values : weights.values()) {
            for (float value : values) {
                zeros += value == 0 ? 1 : 0;
            }
        }
        return zeros;
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void zerosAreKeptWhereThatIsAskedFor(Path path) {
        path.run(
                () -> {
                    Pruner second = builder(Schedule.none()).optKeepZeros().build();
                    List<String> warnings =
                            Warnings.of(() -> assertThat(zeros(fineTune(second))).isEqualTo(54));
                    assertThat(alive(second)).isEqualTo(18);
                    assertThat(second.report().sparsity()).isEqualTo(.75);
                    assertThat(warnings).noneMatch(line -> line.contains("exactly 0"));
                });
    }

    @Test
    void zerosThatTrainingBringsBackAreToldOnce() {
        Pruner second = builder(Schedule.none()).build();
        List<String> warnings =
                Warnings.of(() -> assertThat(zeros(fineTune(second))).isLessThan(54));

        assertThat(warnings)
                .filteredOn(line -> line.contains("exactly 0"))
                .singleElement()
                .asString()
                .contains("54 of 72 weights are exactly 0")
                .contains("Pruner.builder().optKeepZeros()");
    }

    /** Of a program whose user writes no Java. */
    @Test
    void whoeverBuildsThePrunerNamesTheWayOut() {
        Advice advice =
                new Advice() {
                    @Override
                    public String keepZeros() {
                        return "the box 'keep zeros'";
                    }

                    @Override
                    public String layerFloor() {
                        return "the box 'floor'";
                    }
                };
        Pruner arrived = builder(Schedule.none()).optAdvice(advice).build();
        assertThat(Warnings.of(() -> fineTune(arrived)))
                .anyMatch(line -> line.contains("back: the box 'keep zeros' keeps them 0."));

        Pruner emptied =
                builder(Schedule.oneShot(71 / 72.0, Unit.EPOCH, 1)).optAdvice(advice).build();
        assertThat(Warnings.of(() -> fineTune(emptied)))
                .anyMatch(line -> line.contains("a floor (the box 'floor') or lower"));
    }

    /** Halves to a sixteenth, where a quarter is left already: 18, 18, 9 and 5 of 72. */
    @Test
    void aSparserScheduleGoesOnFromTheZeros() {
        Pruner second = builder(Schedule.toSparsity(.9375).overEpochs(5)).optKeepZeros().build();

        assertThat(zeros(fineTune(builder(Schedule.none()).optKeepZeros().build()))).isEqualTo(54);
        Pruner first = builder(Schedule.toSparsity(.75).overEpochs(3)).build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(first.wrap(TinyTraining.sgd()), 3, first.listener());
            tiny.fit(second.wrap(TinyTraining.sgd()), 5, second.listener());
            assertThat(zeros(tiny.weights())).isEqualTo(72 - 5);
        }
        assertThat(second.prunings()).isEqualTo(4);
        assertThat(alive(second)).isEqualTo(5);
    }

    @Test
    void aFreshNetworkIsNotTakenForAPrunedOne() {
        Pruner pruner = builder(Schedule.oneShot(.5, Unit.EPOCH, 0)).build();
        List<String> warnings =
                Warnings.of(
                        () -> {
                            try (TinyTraining tiny = new TinyTraining(1)) {
                                tiny.prepared(
                                        pruner.wrap(TinyTraining.sgd()),
                                        (trainer, data) -> {
                                            pruner.pruneBeforeTraining();
                                            EasyTrain.fit(trainer, 1, data, null);
                                        },
                                        pruner.listener());
                            }
                        });

        assertThat(warnings).noneMatch(line -> line.contains("exactly 0"));
    }

    @Test
    void aMethodThatBringsWeightsBackCannotKeepZeros() {
        assertThatThrownBy(
                        () ->
                                Pruner.builder()
                                        .setMethod(DeepR.builder().build())
                                        .setSchedule(Schedule.oneShot(.5, Unit.STEP, 0))
                                        .optKeepZeros()
                                        .build())
                .hasMessageContaining("cannot keep the zeros");
    }

    /**
     * A layer by weight normalisation, w = g·v/‖v‖ of each row, with a parameter of no elements.
     */
    private static final class Normalised extends AbstractBlock {

        private final Parameter magnitudes;
        private final Parameter vectors;

        Normalised(NDManager manager) {
            magnitudes = add(manager.ones(new Shape(4, 1)), "weight_g");
            float[] values = new float[24];
            for (int i = 0; i < values.length; i++) {
                // The second row has the smallest by far.
                values[i] = (1 + i % 6) * (i / 6 == 1 ? .01f : 1);
            }
            vectors = add(manager.create(values, new Shape(4, 6)), "weight_v");
            add(manager.zeros(new Shape(0, 3)), "unused");
        }

        private Parameter add(NDArray values, String name) {
            Parameter parameter =
                    Parameter.builder().setName(name).setType(Parameter.Type.WEIGHT).build();
            parameter.setArray(values);
            values.setRequiresGradient(true);
            return addParameter(parameter);
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            NDArray input = inputs.head();
            NDArray g = store.getValue(magnitudes, input.getDevice(), training);
            NDArray v = store.getValue(vectors, input.getDevice(), training);
            NDArray norm = v.square().sum(new int[] {1}, true).sqrt();
            return new NDList(input.dot(v.div(norm).mul(g).transpose()));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return new Shape[] {new Shape(inputs[0].get(0), 4)};
        }
    }

    private static float[] trainNormalised(PruningMethod method, double sparsity, Pruner[] used) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(method)
                        .setSchedule(Schedule.oneShot(sparsity, Unit.STEP, 2))
                        .build();
        used[0] = pruner;
        try (Model model = Model.newInstance("normalised")) {
            model.setBlock(new Normalised(model.getNDManager()));
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optOptimizer(pruner.wrap(TinyTraining.sgd(.01f)))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(8, 6));
                fit(trainer, 1);
                return model.getBlock().getParameters().get("weight_v").getArray().toFloatArray();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void ofEveryVectorOfWeightNormalisationAWeightIsLeft(Path path) {
        path.run(
                () -> {
                    Pruner[] pruner = new Pruner[1];
                    float[] values = trainNormalised(FlipOut.builder().build(), .75, pruner);
                    Mask mask = pruner[0].masks().get("weight_v");

                    assertThat(pruner[0].masks()).containsOnlyKeys("weight_v");
                    assertThat(mask.remaining()).isEqualTo(6);
                    for (int row = 0; row < 4; row++) {
                        int left = 0;
                        for (int i = 6 * row; i < 6 * row + 6; i++) {
                            left += mask.isAlive(i) ? 1 : 0;
                            assertThat(values[i]).isFinite();
                        }
                        assertThat(left).isPositive();
                    }
                });
    }

    @Test
    void whereFewerAreLeftThanVectorsTheCauseIsNamed() {
        Pruner[] pruner = new Pruner[1];
        assertThatThrownBy(() -> trainNormalised(GlobalMagnitude.builder().build(), .9, pruner))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("of weight_v no weight would be left")
                .hasMessageContaining("weight normalisation divides by its norm");
    }
}
