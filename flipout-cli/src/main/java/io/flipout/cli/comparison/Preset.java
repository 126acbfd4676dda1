package io.flipout.cli.comparison;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Comparison.Measure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The tables and figures of Apostol et al., <a href="https://arxiv.org/abs/2009.02594">FlipOut:
 * Uncovering Redundant Weights via Sign Flipping</a>, 2020, with the settings that made them: 350
 * epochs of batches of 128 at a learning rate of 0.1, a tenth of it after epochs 150 and 250, half
 * of the weights pruned each time, and three seeds.
 */
public enum Preset {
    /** FlipOut's noise λ from 0.75 to 1.5, chosen by validation images. */
    TABLE2("resnet18", "cifar10", Measure.VALIDATION),
    /** FlipOut's power p, chosen by validation images. */
    TABLE3("resnet18", "cifar10", Measure.VALIDATION),
    /** The comparison of methods on ResNet-18. */
    FIGURE4A("resnet18", "cifar10", Measure.TEST),
    /** The comparison of methods on VGG-19. */
    FIGURE4B("vgg19", "cifar10", Measure.TEST),
    /** The comparison of methods on DenseNet-121. */
    FIGURE4C("densenet121", "imagenette", Measure.TEST),
    /** Noise without flips and flips without noise on ResNet-18. */
    FIGURE5A("resnet18", "cifar10", Measure.TEST),
    /** Noise without flips and flips without noise on VGG-19. */
    FIGURE5B("vgg19", "cifar10", Measure.TEST),
    /** Noise without flips and flips without noise on DenseNet-121. */
    FIGURE5C("densenet121", "imagenette", Measure.TEST);

    private static final int EPOCHS = 350;
    private static final List<Integer> MILESTONES = List.of(150, 250);
    private static final int FINE_TUNING = 150;
    private static final List<Integer> SEEDS = List.of(42, 43, 44);

    /** Of Tables 2 and 3. */
    private static final List<Double> TWO_SPARSITIES = List.of(0.9375, 0.9990234375);

    /** Strengths of Hoyer-Square: 1, 3 and 6 of each power of ten. */
    public static final List<String> HOYER_STRENGTHS =
            Stream.of("e-7", "e-6", "e-5", "e-4", "e-3")
                    .flatMap(power -> Stream.of("1" + power, "3" + power, "6" + power))
                    .toList();

    private static final Map<String, Integer> HELD_OUT =
            Map.of("cifar10", 10_000, "imagenette", 2_000);

    private final String model;
    private final String dataset;
    private final Measure measure;

    Preset(String model, String dataset, Measure measure) {
        this.model = model;
        this.dataset = dataset;
        this.measure = measure;
    }

    /**
     * Finds a preset by its name.
     *
     * @param name a name such as {@code figure4a}; case does not matter
     * @return the preset
     * @throws IllegalArgumentException if there is none of that name
     */
    public static Preset named(String name) {
        return Arrays.stream(values())
                .filter(preset -> preset.id().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        String.format(
                                                Locale.ROOT,
                                                "There is no preset '%s'; there are %s.",
                                                name,
                                                String.join(
                                                        ", ",
                                                        Arrays.stream(values())
                                                                .map(Preset::id)
                                                                .toList()))));
    }

    /**
     * Returns the name of this preset.
     *
     * @return the name, in lower case
     */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the comparison.
     *
     * @param changes options of {@code flipout train} that differ from the paper's, such as fewer
     *     epochs or another data set; what depends on them follows
     * @return the comparison
     */
    public Comparison comparison(Map<String, String> changes) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("model", model);
        options.put("dataset", dataset);
        options.put("epochs", Integer.toString(EPOCHS));
        options.put("schedule", "paper");
        options.putAll(changes);
        if (measure == Measure.VALIDATION) {
            Integer heldOut = HELD_OUT.getOrDefault(options.get("dataset"), 10_000);
            options.putIfAbsent("val-size", heldOut.toString());
        }
        return new Comparison(
                id(),
                measure,
                options,
                arms(Integer.parseInt(options.get("epochs"))),
                measure == Measure.VALIDATION ? TWO_SPARSITIES : Sparsities.PAPER,
                SEEDS);
    }

    private List<Arm> arms(int epochs) {
        return switch (this) {
            case TABLE2 -> noises();
            case TABLE3 ->
                    Stream.of("0", "0.5", "1", "2", "4")
                            .map(p -> arm("flipout", Map.of("p", p)))
                            .toList();
            case FIGURE4A, FIGURE4B, FIGURE4C ->
                    List.of(
                            arm(Arm.DENSE, Map.of()),
                            arm("flipout", Map.of()),
                            arm("global-magnitude", Map.of()),
                            new Arm("snip", "snip", Map.of("snip-variant", "released"), null),
                            hoyerSquare(epochs),
                            arm("random", Map.of()));
            case FIGURE5A, FIGURE5B, FIGURE5C ->
                    List.of(
                            arm(Arm.DENSE, Map.of()),
                            arm("flipout", Map.of()),
                            arm("flipout", Map.of("noise", "0")),
                            arm("global-magnitude", Map.of()),
                            arm("noisy-global-magnitude", Map.of()));
        };
    }

    private static Arm arm(String method, Map<String, String> options) {
        StringBuilder label = new StringBuilder(method);
        options.forEach((name, value) -> label.append(' ').append(name).append('=').append(value));
        return new Arm(label.toString(), method, options, null);
    }

    /** The text speaks of 15 values from 0.75 to 1.5 in steps of 0.05, which are 16. */
    private static List<Arm> noises() {
        List<Arm> arms = new ArrayList<>();
        for (int hundredths = 75; hundredths <= 150; hundredths += 5) {
            String noise = Double.toString(hundredths / 100.0).replaceFirst("\\.0$", "");
            arms.add(arm("flipout", Map.of("noise", noise)));
        }
        return arms;
    }

    /** Fine-tunes after all epochs of the others, at the learning rate that they ended with. */
    private static Arm hoyerSquare(int epochs) {
        int fineTuning = Math.max(1, Math.round((float) epochs * FINE_TUNING / EPOCHS));
        Map<String, String> options = new LinkedHashMap<>();
        options.put("epochs", Integer.toString(epochs + fineTuning));
        options.put("fine-tune", Integer.toString(fineTuning));
        options.put(
                "milestones",
                String.join(
                        ",",
                        MILESTONES.stream()
                                .map(m -> Math.max(1, Math.round((float) m * epochs / EPOCHS)))
                                .map(String::valueOf)
                                .toList()));
        options.put("hoyer-scope", "all");
        return new Arm(
                "hoyer-square",
                "hoyer-square",
                options,
                new Sweep("hoyer-strength", HOYER_STRENGTHS));
    }
}
