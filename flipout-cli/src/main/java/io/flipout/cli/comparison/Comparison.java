package io.flipout.cli.comparison;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.flipout.djl.checkpoint.AtomicFile;
import java.io.CharConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A comparison: arms, at sparsities, with seeds, under the same conditions.
 *
 * @param preset the name of the preset that it came from; empty for none
 * @param measure the images whose accuracy is compared
 * @param options options of {@code flipout train} by name, without dashes, that all runs share
 * @param arms what is compared
 * @param sparsities the sparsities at which it is
 * @param seeds the seeds, each a run of every arm at every sparsity
 */
public record Comparison(
        String preset,
        Measure measure,
        Map<String, String> options,
        List<Arm> arms,
        List<Double> sparsities,
        List<Integer> seeds) {

    /** The file of a comparison in its folder. */
    public static final String FILE = "comparison.yaml";

    /** The folder of the runs in a comparison's folder. */
    public static final String RUNS = "runs";

    private static final YAMLMapper YAML =
            YAMLMapper.builder()
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
                    .build();

    /** The images whose accuracy is compared. */
    public enum Measure {
        /** The test images. */
        TEST,
        /** Training images that were held out, for choices made before the test. */
        VALIDATION
    }

    /**
     * Creates a comparison.
     *
     * @param preset the name of the preset
     * @param measure the images whose accuracy is compared
     * @param options what all runs share
     * @param arms what is compared
     * @param sparsities the sparsities
     * @param seeds the seeds
     */
    public Comparison {
        options = new LinkedHashMap<>(options);
    }

    /**
     * Lists the runs, seed by seed, so that a comparison that is not finished yet shows all of its
     * arms.
     *
     * @return the runs
     */
    public List<PlannedRun> runs() {
        List<PlannedRun> runs = new ArrayList<>();
        for (int seed : seeds) {
            for (Arm arm : arms) {
                if (arm.isDense()) {
                    runs.add(new PlannedRun(arm, Double.NaN, "", seed));
                } else if (arm.sweep() != null) {
                    for (String value : arm.sweep().values()) {
                        runs.add(new PlannedRun(arm, Double.NaN, value, seed));
                    }
                } else {
                    for (double sparsity : sparsities) {
                        runs.add(new PlannedRun(arm, sparsity, "", seed));
                    }
                }
            }
        }
        return runs;
    }

    /**
     * Returns the options of {@code flipout train} for a run.
     *
     * @param run a run of this comparison
     * @return the options of all runs, then its own, which win
     */
    public List<String> arguments(PlannedRun run) {
        List<String> words = new ArrayList<>(PlannedRun.arguments(options));
        words.addAll(run.arguments());
        return words;
    }

    /**
     * Returns the folder of a run.
     *
     * @param folder the comparison's folder
     * @param run a run of this comparison
     * @return the folder
     */
    public static Path folder(Path folder, PlannedRun run) {
        return folder.resolve(RUNS).resolve(run.name());
    }

    /**
     * Tells whether this comparison goes on with another one: under the same conditions, with at
     * least its arms, sparsities and seeds.
     *
     * @param other the other comparison
     * @return true if all runs of the other are runs of this one
     */
    public boolean continues(Comparison other) {
        return measure == other.measure
                && options.equals(other.options)
                && arms.containsAll(other.arms)
                && sparsities.containsAll(other.sparsities)
                && seeds.containsAll(other.seeds);
    }

    /**
     * Reads the comparison of a folder.
     *
     * @param folder the folder
     * @return the comparison
     * @throws IllegalArgumentException if the folder holds none, or it is not readable as one
     * @throws IOException if the file cannot be read
     */
    public static Comparison read(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException(
                    folder + " is no comparison: it has no " + FILE + " from 'flipout compare'.");
        }
        String fault = "something is missing or out of its range";
        try {
            Comparison comparison = YAML.readValue(file.toFile(), Comparison.class);
            if (comparison != null && comparison.isWhole()) {
                return comparison;
            }
        } catch (JsonProcessingException e) {
            fault = e.getOriginalMessage().lines().findFirst().orElse("");
        } catch (CharConversionException e) {
            fault = "it is no text";
        }
        throw new IllegalArgumentException(
                file + " is damaged (" + fault + "): give 'flipout compare' another --out.");
    }

    /** Whether all is there that runs are made of: what a file does not name is null. */
    private boolean isWhole() {
        return preset != null
                && measure != null
                && isWhole(options.values())
                && isWhole(arms)
                && arms.stream().allMatch(Arm::isWhole)
                && isWhole(sparsities)
                && sparsities.stream().allMatch(s -> s > 0 && s < 1)
                && isWhole(seeds);
    }

    static boolean isWhole(Collection<?> parts) {
        return parts != null && parts.stream().allMatch(Objects::nonNull);
    }

    /**
     * Writes this comparison into its folder, whole or not at all.
     *
     * @param folder the folder, which exists
     * @throws IOException if the file cannot be written
     */
    public void write(Path folder) throws IOException {
        AtomicFile.replace(folder.resolve(FILE), path -> YAML.writeValue(path.toFile(), this));
    }
}
