package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.comparison.Sparsities;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The finished runs at one sparsity, arm by arm. Of an arm that aims at no sparsity these are the
 * runs of the one setting that came nearest.
 *
 * @param sparsity the sparsity; NaN where nothing was pruned
 */
record Selection(Results results, double sparsity) {

    /**
     * Finds a sparsity of a comparison.
     *
     * @param asked the sparsity; empty for the highest at which a run has finished
     * @throws IllegalArgumentException if the comparison does not have it
     */
    static Selection of(Results results, Optional<Double> asked) {
        List<Double> known = results.comparison().sparsities().stream().sorted().toList();
        if (asked.isPresent()) {
            double wanted = asked.get();
            return known.stream()
                    .filter(s -> Sparsities.isSame(s, wanted))
                    .findFirst()
                    .map(s -> new Selection(results, s))
                    .orElseThrow(
                            () ->
                                    new IllegalArgumentException(
                                            "There are no runs at --sparsity "
                                                    + wanted
                                                    + "; there are "
                                                    + known.stream()
                                                            .map(String::valueOf)
                                                            .collect(Collectors.joining(", "))
                                                    + "."));
        }
        return known.stream()
                .map(s -> new Selection(results, s))
                .filter(s -> s.arms().stream().anyMatch(arm -> !arm.isDense()))
                .max(Comparator.comparing(Selection::sparsity))
                .orElse(new Selection(results, Double.NaN));
    }

    /** The arms that have runs here, the dense network too. */
    List<Arm> arms() {
        return results.comparison().arms().stream().filter(arm -> !runs(arm).isEmpty()).toList();
    }

    List<RunResult> runs(Arm arm) {
        List<RunResult> done = results.done(arm);
        if (arm.isDense()) {
            return done;
        }
        if (arm.sweep() == null) {
            return done.stream().filter(run -> run.run().sparsity() == sparsity).toList();
        }
        Map<String, List<RunResult>> bySetting =
                done.stream()
                        .filter(run -> run.sparsity() > 0 && run.sparsity() < 1)
                        .collect(
                                Collectors.groupingBy(
                                        run -> run.run().setting(),
                                        TreeMap::new,
                                        Collectors.toList()));
        return bySetting.values().stream()
                .min(Comparator.comparing(this::distance))
                .orElse(List.of());
    }

    private double distance(List<RunResult> runs) {
        double halvings =
                runs.stream()
                        .mapToDouble(run -> Sparsities.halvings(run.sparsity()))
                        .average()
                        .orElseThrow();
        return Math.abs(halvings - Sparsities.halvings(sparsity));
    }

    /** What legends call an arm here: with the sparsity where it is another. */
    String label(Arm arm) {
        if (arm.isDense()) {
            return "dense";
        }
        double mean =
                runs(arm).stream().mapToDouble(RunResult::sparsity).average().orElse(Double.NaN);
        return arm.sweep() == null
                ? arm.label()
                : arm.label() + " (" + Sparsities.percent(mean) + ")";
    }
}
