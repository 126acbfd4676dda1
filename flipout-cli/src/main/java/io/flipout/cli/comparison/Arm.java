package io.flipout.cli.comparison;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a comparison compares: a method with its settings.
 *
 * @param label what tables and legends call it, unlike any other arm of the comparison
 * @param method the name of the method, such as {@code flipout}
 * @param options options of {@code flipout train} by name, without dashes, that this arm sets
 * @param sweep the option that this arm tries values of, where its method cannot aim at a sparsity;
 *     null where it can
 */
public record Arm(String label, String method, Map<String, String> options, Sweep sweep) {

    /** The dense network, the measure of all others. */
    public static final String DENSE = "none";

    /**
     * An option and the values tried of it, each of which ends at a sparsity of its own.
     *
     * @param option the name of the option, without dashes
     * @param values the values
     */
    public record Sweep(String option, List<String> values) {}

    /**
     * Creates an arm.
     *
     * @param label what it is called
     * @param method the name of the method
     * @param options its options
     * @param sweep what it tries; null for none
     */
    public Arm {
        options = new LinkedHashMap<>(options);
    }

    /**
     * Reads arms as the command line writes them: {@code NAME[:OPTION=VALUE[/VALUE...]]...}.
     *
     * <p>Several values of an option are several arms, but values of the option that the method is
     * swept over are those of one arm's sweep. A value may have a colon within, as 2:4 has.
     *
     * @param text such as {@code flipout:noise=0}, {@code flipout:p=1/2} or {@code
     *     lamp:allocation=2:4}
     * @param sweeps the sweep of a method by its name, empty for methods that always aim at a
     *     sparsity; one without values is made only where they are given
     * @return the arms, at least one
     * @throws IllegalArgumentException if the text is not of that form
     */
    public static List<Arm> parse(String text, Function<String, Optional<Sweep>> sweeps) {
        String[] parts = text.split(":(?=[^:=]*=)", -1); // Where an option begins.
        Optional<Sweep> sweep = sweeps.apply(parts[0]);
        Sweep usual = sweep.filter(s -> !s.values().isEmpty()).orElse(null);
        if (parts[0].contains(":")) {
            throw notOfTheForm(text);
        }
        List<Arm> arms = List.of(new Arm(parts[0], parts[0], Map.of(), usual));
        for (int i = 1; i < parts.length; i++) {
            String[] pair = parts[i].split("=", -1);
            if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
                throw notOfTheForm(text);
            }
            List<String> values = List.of(pair[1].split("/"));
            List<Arm> grown = new ArrayList<>();
            for (Arm arm : arms) {
                if (sweep.isPresent() && sweep.get().option().equals(pair[0])) {
                    grown.add(arm.sweeping(new Sweep(pair[0], values)));
                } else {
                    values.forEach(value -> grown.add(arm.with(pair[0], value)));
                }
            }
            arms = grown;
        }
        return arms;
    }

    private static IllegalArgumentException notOfTheForm(String text) {
        return new IllegalArgumentException(
                "'"
                        + text
                        + "' is not of the form NAME:OPTION=VALUE, such as flipout:noise=0 or"
                        + " flipout:p=1/2.");
    }

    /** Returns this arm with one more option, which its label tells of. */
    private Arm with(String option, String value) {
        Map<String, String> more = new LinkedHashMap<>(options);
        more.put(option, value);
        return new Arm(label + " " + option + "=" + value, method, more, sweep);
    }

    private Arm sweeping(Sweep tried) {
        return new Arm(label, method, options, tried);
    }

    /**
     * Tells whether this is the dense network.
     *
     * @return true if nothing is pruned
     */
    public boolean isDense() {
        return method.equals(DENSE);
    }

    /** Whether all is there that a file should name. */
    boolean isWhole() {
        return label != null
                && method != null
                && Comparison.isWhole(options.values())
                && (sweep == null
                        || (sweep.option() != null && Comparison.isWhole(sweep.values())));
    }
}
