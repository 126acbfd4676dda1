package io.flipout.djl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.djl.OneByOne;
import io.flipout.djl.Path;
import io.flipout.djl.TinyTraining;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StepServerTest {

    /** Weight, bias and the two of batch normalisation, and weight and bias. */
    private static final int PARAMETERS = 6;

    /** Writes down the steps that come. */
    private static final class Witness extends Optimizer implements StepOptimizer {

        private final List<List<String>> steps = new ArrayList<>();
        private Consumer<List<ParameterGradient>> reaction = step -> {};

        Witness() {
            super(new OneByOne.Nothing());
        }

        @Override
        public void update(String parameterId, NDArray weight, NDArray gradient) {
            throw new AssertionError("one by one");
        }

        @Override
        public void step(List<ParameterGradient> step) {
            steps.add(step.stream().map(ParameterGradient::id).toList());
            reaction.accept(step);
            step.forEach(each -> Sgd.zero(each.gradient()));
        }
    }

    private static void steps(Trainer trainer, ArrayDataset data, int count)
            throws IOException, TranslateException {
        int done = 0;
        while (done < count) {
            for (Batch batch : trainer.iterateDataset(data)) {
                if (done++ < count) {
                    backward(trainer, batch);
                    trainer.step();
                }
                batch.close();
            }
        }
    }

    private static void backward(Trainer trainer, Batch batch) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            NDList outputs = trainer.forward(batch.getData());
            collector.backward(trainer.getLoss().evaluate(batch.getLabels(), outputs));
        }
    }

    private static Map<String, float[]> trained(Optimizer optimizer) {
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    optimizer,
                    (trainer, data) -> {
                        StepServer.serve(trainer);
                        steps(trainer, data, 7);
                    });
            return tiny.weights();
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aWholeStepIsTheSameAsItsParametersOneByOne(Path path) {
        path.run(
                () -> {
                    Map<String, float[]> whole = trained(TinyTraining.sgd());
                    Map<String, float[]> single = trained(new OneByOne(TinyTraining.sgd()));
                    whole.forEach(
                            (name, values) ->
                                    assertThat(values).as(name).isEqualTo(single.get(name)));
                });
    }

    @Test
    void allParametersOfAStepComeAtOnce() {
        Witness witness = new Witness();
        trained(witness);
        assertThat(witness.steps).hasSize(7);
        assertThat(witness.steps).allSatisfy(step -> assertThat(step).hasSize(PARAMETERS));
        assertThat(witness.steps.get(0)).doesNotHaveDuplicates();
    }

    @Test
    void whatIsFrozenBetweenStepsTakesNoPartAndComesBack() {
        Witness witness = new Witness();
        try (TinyTraining tiny = new TinyTraining(1)) {
            Parameter first = tiny.block().getChildren().valueAt(0).getParameters().valueAt(0);
            witness.reaction = step -> first.freeze(witness.steps.size() == 2);
            tiny.prepared(
                    witness,
                    (trainer, data) -> {
                        StepServer.serve(trainer);
                        steps(trainer, data, 5);
                    });
            assertThat(witness.steps.stream().map(List::size).toList())
                    .isEqualTo(List.of(6, 6, 5, 6, 6));
            assertThat(witness.steps.get(2)).doesNotContain(first.getId());
        }
    }

    /** What came before an exception has not moved, and the next step is a whole one. */
    @Test
    void aStepThatBreaksOffIsNotTaken() {
        Witness witness = new Witness();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    witness,
                    (trainer, data) -> {
                        StepServer.serve(trainer);
                        steps(trainer, data, 1);
                        Parameter last =
                                tiny.block().getChildren().valueAt(3).getParameters().valueAt(1);
                        last.getArray().setRequiresGradient(false);
                        assertThatThrownBy(trainer::step)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("No gradient attached");
                        assertThat(witness.steps).hasSize(1);
                        last.getArray().setRequiresGradient(true);
                        steps(trainer, data, 1);
                        assertThat(witness.steps).hasSize(2);
                        assertThat(witness.steps.get(1))
                                .hasSize(PARAMETERS)
                                .doesNotHaveDuplicates();
                    });
        }
    }

    /** An exception of the optimizer's own ends the step; it is not carried into the next. */
    @Test
    void anOptimizerThatFailsIsAskedForAWholeStepAgain() {
        Witness witness = new Witness();
        witness.reaction =
                step -> {
                    if (witness.steps.size() == 1) {
                        throw new IllegalStateException("not this time");
                    }
                };
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    witness,
                    (trainer, data) -> {
                        StepServer.serve(trainer);
                        assertThatThrownBy(() -> steps(trainer, data, 1))
                                .hasMessage("not this time");
                        steps(trainer, data, 1);
                        assertThat(witness.steps).hasSize(2);
                        assertThat(witness.steps.get(1)).hasSize(PARAMETERS);
                    });
        }
    }

    @Test
    void anOptimizerOfTheUsersOwnIsLeftToDjl() {
        int[] updates = {0};
        Optimizer counting =
                new OneByOne(TinyTraining.sgd()) {
                    @Override
                    public void update(String parameterId, NDArray weight, NDArray gradient) {
                        updates[0]++;
                        super.update(parameterId, weight, gradient);
                    }
                };
        trained(counting);
        assertThat(updates[0]).isEqualTo(7 * PARAMETERS);
    }
}
