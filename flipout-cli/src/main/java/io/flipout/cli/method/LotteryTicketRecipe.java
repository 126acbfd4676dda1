package io.flipout.cli.method;

import io.flipout.method.LotteryTicket;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import io.flipout.schedule.ToSparsitySchedule;
import picocli.CommandLine.Option;

/** {@code lottery-ticket}: {@link LotteryTicket}, in rounds of {@code --epochs}. */
final class LotteryTicketRecipe implements Recipe {

    private static final double DEFAULT_RATE = 0.2;

    @Option(
            names = "--rewind-step",
            paramLabel = "K",
            defaultValue = "0",
            description =
                    "Step that lottery-ticket goes back to after each pruning; 0 is the"
                            + " initialisation (default: ${DEFAULT-VALUE}).")
    private long rewindStep;

    private int rounds;

    @Override
    public String name() {
        return "lottery-ticket";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return LotteryTicket.builder().optRewindStep(rewindStep).build();
    }

    /** The epochs are those of a round; all rounds but the last end with a pruning. */
    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refusePeriod(
                "lottery-ticket prunes at the end of a round", "--epochs, those of one round");
        ToSparsitySchedule schedule =
                Schedule.toSparsity(shared.sparsity())
                        .atRate(shared.pruneRate(DEFAULT_RATE))
                        .inRoundsOf(epochs);
        rounds = schedule.epochs() / epochs;
        return schedule;
    }

    @Override
    public int rounds() {
        return rounds;
    }

    @Override
    public long rewindStep() {
        return rewindStep;
    }

    @Override
    public void checkRewind(long stepsOfRound) {
        if (rounds > 1 && rewindStep > stepsOfRound) {
            throw new IllegalArgumentException(
                    "--rewind-step "
                            + rewindStep
                            + " comes after the first pruning: a round has "
                            + stepsOfRound
                            + " steps.");
        }
    }
}
