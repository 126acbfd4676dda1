package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Point;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.comparison.Sparsities;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a comparison found, in a sentence or two. */
final class Finding {

    /** An arm and what it came to at the sparsity of which the sentence speaks. */
    private record Standing(String method, Point point) {

        @Override
        public String toString() {
            return method + " (" + Numbers.percent(point) + " %)";
        }
    }

    private Finding() {}

    /** Compares the two best methods at the highest sparsity that more than one of them reached. */
    static String of(Results results) {
        String dense =
                results.dense()
                        .map(p -> " The dense network has " + Numbers.percent(p) + " %.")
                        .orElse("");
        Comparison comparison = results.comparison();
        List<Double> sparsities =
                comparison.sparsities().stream().sorted(Comparator.reverseOrder()).toList();
        Optional<String> lead = Optional.empty();
        for (double sparsity : sparsities) {
            List<Standing> standings = standings(results, sparsity);
            if (standings.size() > 1) {
                return compare(sparsity, standings) + dense;
            }
            if (lead.isEmpty() && !standings.isEmpty()) {
                lead =
                        Optional.of(
                                String.format(
                                        Locale.ROOT,
                                        "At %s sparsity %s has %s %%.",
                                        Sparsities.percent(sparsity),
                                        standings.get(0).method(),
                                        Numbers.percent(standings.get(0).point())));
            }
        }
        return lead.orElse("No pruned network is finished yet.") + dense;
    }

    private static List<Standing> standings(Results results, double sparsity) {
        List<Standing> standings = new ArrayList<>();
        for (Arm arm : results.comparison().arms()) {
            if (!arm.isDense()) {
                results.point(arm, sparsity)
                        .ifPresent(point -> standings.add(new Standing(arm.label(), point)));
            }
        }
        standings.sort(Comparator.comparing((Standing s) -> s.point().mean()).reversed());
        return standings;
    }

    private static String compare(double sparsity, List<Standing> standings) {
        Standing first = standings.get(0);
        Standing second = standings.get(1);
        double lead = first.point().mean() - second.point().mean();
        double reach = first.point().deviation() + second.point().deviation();
        String weight =
                Double.isNaN(reach)
                        ? "of which no deviation is known, for want of seeds"
                        : lead <= reach
                                ? "which lies within the deviations"
                                : "which is more than the deviations";
        return String.format(
                Locale.ROOT,
                "At %s sparsity %s is %.2f points ahead of %s, %s.",
                Sparsities.percent(sparsity),
                first,
                100 * lead,
                second,
                weight);
    }

    /** What a single run came to. */
    static String of(RunResult run, Summary summary) {
        return String.format(
                Locale.ROOT,
                "Test accuracy %s %% with %,d of %,d weights, %s sparse.",
                Numbers.percent(run.accuracy()),
                run.remaining(),
                summary.weights(),
                Sparsities.percent(run.sparsity()));
    }
}
