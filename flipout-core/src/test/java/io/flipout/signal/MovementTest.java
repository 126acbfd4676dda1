package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.criterion.MovementScore;
import io.flipout.criterion.TensorView;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MovementTest {

    /**
     * θ = (.5, −.2, .1), g = (−.4, −.3, .2): S = (.2, −.06, −.02). The second is pruned; its place
     * has a gradient of 1 then, which is moving it away from 0: −.06 + .2 = .14. It comes back as
     * −.2 and ranks above the third, −.02 − .2·.3 = −.08.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theExampleWorkedByHand(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = new Mask(3);
                        TrainedTensor tensor =
                                Trained.tensor(manager.create(new float[] {.5f, -.2f, .1f}), mask);
                        Movement.Scores watch = new Movement().watch(tensor);
                        watch.beforeStep(manager.create(new float[] {-.4f, -.3f, .2f}));
                        watch.afterStep();
                        assertThat(watch.values())
                                .containsExactly(new float[] {.2f, -.06f, -.02f}, within(1e-6f));

                        watch.beforePruning(mask);
                        mask.prune(1);
                        tensor.applyMask(tensor.values());
                        watch.afterPruning();
                        // A step moves the third to .3.
                        tensor.values().set(new float[] {.5f, 0, .3f});
                        watch.afterStep();
                        watch.beforeStep(manager.create(new float[] {0, 1, .2f}));
                        watch.afterStep();

                        watch = restored(tensor, watch);
                        watch.beforePruning(mask);
                        assertThat(mask.isDense()).isTrue();
                        assertThat(tensor.values().toFloatArray()).containsExactly(.5f, -.2f, .3f);
                        TensorView view =
                                new TensorView(
                                        tensor.info(),
                                        tensor.values().toFloatArray(),
                                        mask,
                                        List.of(watch),
                                        0);
                        assertThat(new MovementScore().score(view))
                                .containsExactly(new double[] {.2, .14, -.08}, within(1e-6));
                    }
                });
    }

    /** A pruning that prunes nothing: the next one finds the weights as the steps left them. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void whatNoPruningTookIsNotBroughtBack(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = new Mask(2);
                        TrainedTensor tensor =
                                Trained.tensor(manager.create(new float[] {1, 2}), mask);
                        Movement.Scores watch = new Movement().watch(tensor);
                        watch.beforePruning(mask);
                        watch.afterPruning();
                        tensor.values().set(new float[] {3, 4});
                        watch.afterStep();
                        watch.beforeStep(manager.create(new float[] {1, 1}));
                        watch.beforePruning(mask);

                        assertThat(tensor.values().toFloatArray()).containsExactly(3, 4);
                        assertThat(watch.values()).containsExactly(-3, -4);
                    }
                });
    }

    private static Movement.Scores restored(TrainedTensor tensor, Movement.Scores before) {
        Movement.Scores watch = new Movement().watch(tensor);
        watch.restore(before.snapshot());
        return watch;
    }
}
