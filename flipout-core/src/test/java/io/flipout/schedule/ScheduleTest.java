package io.flipout.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {

    private static final long RESNET18 = 11_164_352;
    private static final long VGG19 = 20_024_000;
    private static final long DENSENET121 = 6_880_448;

    private static PruningEvent last(List<PruningEvent> events) {
        return events.get(events.size() - 1);
    }

    @ParameterizedTest(name = "every {0} epochs: {1} prunings, the last at {2}")
    @CsvSource({
        "117,  2, 234, 2791088, 5006000, 1720112",
        " 70,  4, 280,  697772, 1251500,  430028",
        " 50,  6, 300,  174443,  312875,  107507",
        " 39,  8, 312,   43611,   78219,   26877",
        " 32, 10, 320,   10903,   19555,    6720"
    })
    void theRateScheduleIsTableOneOfThePaper(
            int every, int prunings, int lastEpoch, long resnet, long vgg, long densenet) {
        Schedule schedule = Schedule.atRate(.5).every(every).overEpochs(350);

        List<PruningEvent> events = schedule.events(RESNET18);
        assertThat(events).hasSize(prunings).allMatch(e -> e.unit() == Unit.EPOCH);
        assertThat(events.get(0).at()).isEqualTo(every);
        assertThat(last(events)).isEqualTo(new PruningEvent(Unit.EPOCH, lastEpoch, resnet));
        assertThat(last(schedule.events(VGG19)).keep()).isEqualTo(vgg);
        assertThat(last(schedule.events(DENSENET121)).keep()).isEqualTo(densenet);
    }

    @Test
    void theRateScheduleRoundsTheNumberPrunedDown() {
        assertThat(Schedule.atRate(.5).every(2).overEpochs(9).events(11))
                .extracting(PruningEvent::keep)
                .containsExactly(6L, 3L, 2L, 1L);
        assertThat(Schedule.atRate(.29).every(1).overEpochs(2).events(100))
                .as("floor(0.29·100) is 28 in double arithmetic")
                .extracting(PruningEvent::keep)
                .containsExactly(72L);
    }

    @Test
    void theRateScheduleNeverPrunesAtTheLastEpoch() {
        assertThat(Schedule.atRate(.5).every(5).overEpochs(10).events(8))
                .containsExactly(new PruningEvent(Unit.EPOCH, 5, 4));
        assertThatThrownBy(() -> Schedule.atRate(.5).every(10).overEpochs(10))
                .hasMessageStartingWith(
                        "A pruning every 10 epochs never comes in a training of 10");
        assertThatThrownBy(() -> Schedule.atRate(.5).overEpochs(10)).hasMessageContaining("every");
    }

    @ParameterizedTest(name = "sparsity {0} in {1} epochs: {2} prunings every {3}")
    @CsvSource({
        ".75,       350,  2, 117",
        ".9375,     350,  4,  70",
        ".984375,   350,  6,  50",
        ".99609375, 350,  8,  39",
        ".999,      350, 10,  32",
        // round(6 / 6) · 5 = 5 fits; round(7 / 5) · 4 = 4; round(8 / 5) = 2 would end at the last
        // epoch, so floor(7 / 4) = 1.
        ".96875,      6,  5,   1",
        ".9375,       8,  4,   1",
        ".9375,       5,  4,   1",
        ".1,         10,  1,   5"
    })
    void toSparsitySpreadsItsPruningsOverTheTraining(
            double sparsity, int epochs, int prunings, int period) {
        List<PruningEvent> events =
                Schedule.toSparsity(sparsity).overEpochs(epochs).events(RESNET18);

        assertThat(events).hasSize(prunings);
        for (int i = 0; i < prunings; i++) {
            assertThat(events.get(i).at()).isEqualTo((i + 1L) * period);
        }
        assertThat(last(events).at()).isLessThan(epochs);
    }

    @ParameterizedTest
    @ValueSource(doubles = {.01, .3, .5, .9, .99, .999, .9999, 1 - 1 / 11_164_352d})
    void toSparsityEndsAtExactlyTheWeightsAskedForAndShrinksByOneRate(double sparsity) {
        List<PruningEvent> events = Schedule.toSparsity(sparsity).overEpochs(350).events(RESNET18);

        long before = RESNET18;
        double rate = 1 - Math.pow(1 - sparsity, 1d / events.size());
        for (PruningEvent event : events) {
            assertThat(event.keep()).isLessThan(before);
            assertThat((double) event.keep()).isCloseTo(before * (1 - rate), within(1.5));
            before = event.keep();
        }
        assertThat(before).isEqualTo(Math.round(RESNET18 * (1 - sparsity)));
    }

    @ParameterizedTest(name = "sparsity {0} at rate {1} in {2} steps: {3} prunings until {4}")
    @CsvSource({
        // ⌈log 0.25 / log 0.95⌉ = ⌈27.03⌉, and ⌈log(1/1024) / log 0.95⌉ = ⌈135.1⌉.
        ".75,          .05, 10000,  28, 5000",
        ".9990234375,  .05, 10000, 136, 5000",
        ".75,          .5,  10000,   2, 5000",
        ".9990234375,  .05,   100,  50,   50", // One in each step of the first 50.
        ".5,           .05,     2,   1,    1",
        ".5,           .05,     3,   2,    2"
    })
    void gradualPrunesLittleAtATimeAndLeavesTimeToRecover(
            double sparsity, double rate, long steps, int prunings, long end) {
        List<PruningEvent> events =
                Schedule.gradual(sparsity).atRate(rate).overSteps(steps).events(RESNET18);

        assertThat(events).hasSize(prunings);
        assertThat(last(events))
                .isEqualTo(new PruningEvent(Unit.STEP, end, Math.round(RESNET18 * (1 - sparsity))));
        long before = RESNET18;
        long time = 0;
        for (PruningEvent event : events) {
            assertThat(event.at()).isGreaterThan(time).isLessThan(steps);
            assertThat(event.keep()).isLessThan(before);
            if (prunings < end) {
                assertThat(event.keep()).isGreaterThan((long) (before * (1 - rate)) - 2);
            }
            before = event.keep();
            time = event.at();
        }
    }

    @Test
    void gradualByHand() {
        // m = ⌈log 0.36 / log 0.8⌉ = ⌈4.58⌉ = 5 prunings until epoch 10; 100·0.36^(1/5) = 81.5.
        // 10·(1/5)^1.5 = 0.9, then 2.5, 4.6 and 7.2.
        assertThat(Schedule.gradual(.64).atRate(.2).until(.25).overEpochs(40).events(100))
                .containsExactly(
                        new PruningEvent(Unit.EPOCH, 1, 82),
                        new PruningEvent(Unit.EPOCH, 3, 66),
                        new PruningEvent(Unit.EPOCH, 5, 54),
                        new PruningEvent(Unit.EPOCH, 7, 44),
                        new PruningEvent(Unit.EPOCH, 10, 36));
        assertThat(Schedule.gradual(.64).overEpochs(20).end()).isEqualTo(10);
        assertThat(Schedule.gradual(.75).atRate(.5).endingAt(Unit.STEP, 7).events(8))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 2, 4), new PruningEvent(Unit.STEP, 7, 2));
        // Three prunings of two steps, after 2·(1/3)^1.5 = 0.4, 1.1 and 2: the first two are one.
        assertThat(Schedule.gradual(.488).atRate(.2).endingAt(Unit.STEP, 2).events(1000))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 1, 640), new PruningEvent(Unit.STEP, 2, 512));
        assertThat(Schedule.gradual(0).overSteps(10).events(100)).isEmpty();
        // Of 10 weights, 5 % are none: prunings that would remove none are left out.
        assertThat(Schedule.gradual(.5).overSteps(1000).events(10))
                .extracting(PruningEvent::keep)
                .containsExactly(9L, 8L, 7L, 6L, 5L);
    }

    @Test
    void gradualRefusesWhatLeavesNoTime() {
        assertThatThrownBy(() -> Schedule.gradual(.5).overSteps(1))
                .hasMessageContaining("at least 2 steps")
                .hasMessageContaining("got 1");
        assertThatThrownBy(() -> Schedule.gradual(.5).overEpochs(0))
                .hasMessageContaining("at least 2 epochs");
        for (double share : new double[] {0, 1, -1, Double.NaN}) {
            assertThatThrownBy(() -> Schedule.gradual(.5).until(share))
                    .hasMessageContaining("must lie in (0, 1)");
        }
        assertThatThrownBy(() -> Schedule.gradual(.5).endingAt(Unit.STEP, 0))
                .hasMessageContaining("at least 1 step or epoch, got 0");
        assertThatThrownBy(() -> Schedule.gradual(.5).atRate(1)).hasMessageContaining("rate");
        assertThatThrownBy(() -> Schedule.gradual(1)).hasMessageContaining("[0, 1)");
        assertThatThrownBy(() -> Schedule.gradual(.9999).overSteps(9).events(100))
                .hasMessageContaining("leaves none of 100 weights");
    }

    @Test
    void toSparsityKeepsThePublishedNumberAt999() {
        assertThat(last(Schedule.toSparsity(.999).overEpochs(350).events(RESNET18)).keep())
                .isEqualTo(11_164);
        assertThat(last(Schedule.toSparsity(.999).overEpochs(350).events(VGG19)).keep())
                .isEqualTo(20_024);
        assertThat(last(Schedule.toSparsity(.999).overEpochs(350).events(DENSENET121)).keep())
                .isEqualTo(6_880);
    }

    @Test
    void toSparsityTakesARateAndAPeriod() {
        assertThat(Schedule.toSparsity(.36).atRate(.2).every(3).overEpochs(10).events(100))
                .containsExactly(
                        new PruningEvent(Unit.EPOCH, 3, 80), new PruningEvent(Unit.EPOCH, 6, 64));
    }

    @Test
    void tooFewEpochsEndInASentenceThatSaysHowMany() {
        assertThatThrownBy(() -> Schedule.toSparsity(.999).overEpochs(10))
                .hasMessage(
                        "A sparsity of 0.999 takes 10 prunings at a rate of 0.5, which needs at"
                                + " least 11 epochs, got 10: train longer or raise the pruning"
                                + " rate.");
        assertThatThrownBy(() -> Schedule.toSparsity(.75).every(5).overEpochs(10))
                .hasMessageContaining("needs at least 11 epochs, got 10");
        assertThat(Schedule.toSparsity(.999).overEpochs(11).events(RESNET18)).hasSize(10);
    }

    @Test
    void noSparsityMeansNoPruning() {
        assertThat(Schedule.toSparsity(0).overEpochs(3).events(100)).isEmpty();
        assertThat(Schedule.none().events(100)).isEmpty();
    }

    @Test
    void oneShotPrunesOnce() {
        assertThat(Schedule.oneShot(.9, Unit.STEP, 3).events(55))
                .containsExactly(new PruningEvent(Unit.STEP, 3, 5));
        assertThat(Schedule.oneShot(.5, Unit.EPOCH, 0).events(3))
                .containsExactly(new PruningEvent(Unit.EPOCH, 0, 2));
        assertThatThrownBy(() -> Schedule.oneShot(.5, Unit.EPOCH, -1))
                .hasMessageContaining("at least 0");
    }

    /** s = .8 in four prunings: .8·(1 − (3/4, 1/2, 1/4, 0)³) = .4625, .7, .7875, .8. */
    @Test
    void theCubicScheduleFollowsItsCurve() {
        assertThat(Schedule.cubic(.8).between(Unit.STEP, 100, 300, 50).events(10_000))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 150, 5375),
                        new PruningEvent(Unit.STEP, 200, 3000),
                        new PruningEvent(Unit.STEP, 250, 2125),
                        new PruningEvent(Unit.STEP, 300, 2000));
    }

    @Test
    void theCubicScheduleEndsAtItsLastWholePeriod() {
        assertThat(Schedule.cubic(.5).between(Unit.EPOCH, 0, 5, 2).events(8))
                .containsExactly(
                        new PruningEvent(Unit.EPOCH, 2, 5), new PruningEvent(Unit.EPOCH, 4, 4));
        assertThatThrownBy(() -> Schedule.cubic(.5).between(Unit.EPOCH, 3, 4, 2))
                .hasMessageStartingWith("No pruning every 2 fits between 3 and 4");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-.1, 1, 1.5, Double.NaN})
    void refusesASparsityOutsideItsRange(double sparsity) {
        assertThatThrownBy(() -> Schedule.toSparsity(sparsity)).hasMessageContaining("[0, 1)");
        assertThatThrownBy(() -> Schedule.cubic(sparsity)).hasMessageContaining("[0, 1)");
        assertThatThrownBy(() -> Schedule.oneShot(sparsity, Unit.EPOCH, 1))
                .hasMessageContaining("[0, 1)");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -1, Double.NaN})
    void refusesARateOutsideItsRange(double rate) {
        assertThatThrownBy(() -> Schedule.atRate(rate)).hasMessageContaining("(0, 1)");
        assertThatThrownBy(() -> Schedule.toSparsity(.5).atRate(rate))
                .hasMessageContaining("(0, 1)");
    }

    @Test
    void refusesToEmptyTheNetwork() {
        assertThatThrownBy(() -> Schedule.toSparsity(.999).overEpochs(350).events(100))
                .hasMessage("A sparsity of 0.999 leaves none of 100 weights; 0.99 leaves one.");
    }

    /** 100·.01^(i/2) = 10, 1. */
    @Test
    void beforeTrainingPrunesAtTimeZeroInStepsOfOneRate() {
        assertThat(Schedule.beforeTraining(.99, 2).events(100))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 0, 10), new PruningEvent(Unit.STEP, 0, 1));
        assertThat(Schedule.beforeTraining(.99, 1).events(100))
                .isEqualTo(Schedule.oneShot(.99, Unit.STEP, 0).events(100));
        assertThatThrownBy(() -> Schedule.beforeTraining(.99, 0))
                .hasMessageContaining("at least 1");
    }

    @Test
    void aThresholdPlansNoNumberOfWeights() {
        PruningEvent event = last(Schedule.belowThreshold(1e-4, Unit.EPOCH, 7).events(100));

        assertThat(event).isEqualTo(new PruningEvent(Unit.EPOCH, 7, 0, 1e-4));
        assertThat(event.isByThreshold()).isTrue();
        assertThat(new PruningEvent(Unit.EPOCH, 7, 5).isByThreshold()).isFalse();
        assertThatThrownBy(() -> Schedule.belowThreshold(0, Unit.EPOCH, 7))
                .hasMessageContaining("threshold must be a number greater than 0");
        assertThatThrownBy(() -> Schedule.belowThreshold(1e-4, Unit.EPOCH, 0))
                .hasMessageContaining("at least 1");
    }

    @Test
    void aThresholdComesBackAfterEveryPeriod() {
        assertThat(Schedule.belowThreshold(.25, Unit.STEP, 5, 3).events(100))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 5, 0, .25),
                        new PruningEvent(Unit.STEP, 10, 0, .25),
                        new PruningEvent(Unit.STEP, 15, 0, .25));
        assertThatThrownBy(() -> Schedule.belowThreshold(.25, Unit.STEP, 5, 0))
                .hasMessage("The prunings by threshold must be at least 1, got 0");
    }

    /** 5·.8 = 4; 100·(.8, .64, .512), m = round(log .512 / log .8) = 3. */
    @Test
    void roundsEndWithAPruningButForTheLast() {
        ToSparsitySchedule one = Schedule.toSparsity(.2).atRate(.2).inRoundsOf(7);
        ToSparsitySchedule three = Schedule.toSparsity(.488).atRate(.2).inRoundsOf(2);

        assertThat(one.epochs()).isEqualTo(14);
        assertThat(one.events(5)).containsExactly(new PruningEvent(Unit.EPOCH, 7, 4));
        assertThat(three.epochs()).isEqualTo(8);
        assertThat(three.events(100))
                .containsExactly(
                        new PruningEvent(Unit.EPOCH, 2, 80),
                        new PruningEvent(Unit.EPOCH, 4, 64),
                        new PruningEvent(Unit.EPOCH, 6, 51));
        assertThat(Schedule.toSparsity(0).inRoundsOf(3).epochs()).isEqualTo(3);
        assertThat(Schedule.toSparsity(.5).overEpochs(9).epochs()).isEqualTo(9);
        assertThatThrownBy(() -> Schedule.toSparsity(.5).inRoundsOf(0))
                .hasMessageContaining("must be at least 1, got 0");
        assertThatThrownBy(() -> Schedule.toSparsity(.5).inRoundsOf(1 << 30))
                .hasMessage("2 rounds of 1073741824 epochs are too many to count.");
    }

    @Test
    void theSmallestTimesAreTaken() {
        // s·(1 − (1 − ½)³) = .5·.875, then .5.
        assertThat(Schedule.cubic(.5).between(Unit.STEP, 7, 9, 1).events(1_000))
                .containsExactly(
                        new PruningEvent(Unit.STEP, 8, 563), new PruningEvent(Unit.STEP, 9, 500));
        assertThat(Schedule.cubic(.5).between(Unit.STEP, 7, 9, 2).events(8))
                .containsExactly(new PruningEvent(Unit.STEP, 9, 4));
        assertThatThrownBy(() -> Schedule.cubic(.5).between(Unit.STEP, -1, 9, 2))
                .hasMessageStartingWith("No pruning every 2 fits between -1 and 9");
        assertThatThrownBy(() -> Schedule.cubic(.5).between(Unit.STEP, 0, 9, 0))
                .hasMessageStartingWith("No pruning every 0");
        assertThat(Schedule.belowThreshold(.5, Unit.STEP, 1).events(8))
                .containsExactly(new PruningEvent(Unit.STEP, 1, 0, .5));
        assertThat(Schedule.toSparsity(.5).every(1).overEpochs(2).events(8))
                .containsExactly(new PruningEvent(Unit.EPOCH, 1, 4));
        assertThatThrownBy(() -> Schedule.toSparsity(.5).every(0))
                .hasMessage("The epochs between prunings must be at least 1, got 0");
        assertThat(Schedule.toSparsity(0).overEpochs(1).epochs()).isEqualTo(1);
        assertThat(Schedule.toSparsity(0).inRoundsOf(Integer.MAX_VALUE).epochs())
                .isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void thePeriodIsTheEpochsFromOnePruningToTheNext() {
        assertThat(Schedule.toSparsity(.75).overEpochs(350).period()).isEqualTo(117);
        assertThat(Schedule.toSparsity(.75).every(3).overEpochs(350).period()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-.1, 1, Double.NaN})
    void aSparsityBeforeTrainingIsRefusedAtOnce(double sparsity) {
        assertThatThrownBy(() -> Schedule.beforeTraining(sparsity, 1))
                .hasMessageContaining("[0, 1)");
    }
}
