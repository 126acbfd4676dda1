package io.flipout.cli.comparison;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One training of a comparison.
 *
 * @param arm the method and its settings
 * @param sparsity the sparsity aimed at; NaN where the arm aims at none
 * @param setting the value of the arm's {@link Arm.Sweep}; empty where it has none
 * @param seed the seed
 */
public record PlannedRun(Arm arm, double sparsity, String setting, int seed) {

    /**
     * Returns the name of the run's folder.
     *
     * @return a name fit for a file, unlike that of any other run of the comparison
     */
    public String name() {
        StringBuilder name = new StringBuilder(arm.label());
        if (!Double.isNaN(sparsity)) {
            name.append("-s").append(plain(sparsity));
        }
        if (!setting.isEmpty()) {
            name.append('-').append(arm.sweep().option()).append('=').append(setting);
        }
        name.append("-seed").append(seed);
        return name.toString().replaceAll("[^A-Za-z0-9.=-]+", "-");
    }

    /**
     * Says in a few words which run this is.
     *
     * @return such as {@code flipout 93.75 % seed 1}
     */
    public String title() {
        StringBuilder title = new StringBuilder(arm.label());
        if (!Double.isNaN(sparsity)) {
            title.append(' ').append(Sparsities.percent(sparsity));
        }
        if (!setting.isEmpty()) {
            title.append(' ').append(arm.sweep().option()).append('=').append(setting);
        }
        return title.append(" seed ").append(seed).toString();
    }

    /**
     * Returns the options of {@code flipout train} that this run adds to those of all runs.
     *
     * @return the options, such as {@code --method, flipout, --sparsity, 0.9375, --seed, 1}
     */
    public List<String> arguments() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("method", arm.method());
        options.putAll(arm.options());
        if (!Double.isNaN(sparsity)) {
            options.put("sparsity", plain(sparsity));
        }
        if (!setting.isEmpty()) {
            options.put(arm.sweep().option(), setting);
        }
        options.put("seed", Integer.toString(seed));
        return arguments(options);
    }

    /** Writes options as a command line does. */
    static List<String> arguments(Map<String, String> options) {
        return options.entrySet().stream()
                .map(option -> "--" + option.getKey() + "=" + option.getValue())
                .toList();
    }

    /** Writes a sparsity without an exponent. */
    private static String plain(double sparsity) {
        return new BigDecimal(Double.toString(sparsity)).toPlainString();
    }
}
