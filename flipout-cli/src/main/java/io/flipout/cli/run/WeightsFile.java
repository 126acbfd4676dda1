package io.flipout.cli.run;

import io.flipout.djl.Pruner;
import io.flipout.djl.checkpoint.AtomicFile;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.schedule.PruningEvent;
import io.flipout.signal.SignFlips;
import io.flipout.tensor.Transfers;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/**
 * {@code weights.csv}: a sample of the weights that were alive before a run's last pruning, with
 * what decided over them: magnitude, sign flips, and whether they were kept. Only a run that counts
 * sign flips has one.
 */
public final class WeightsFile {

    /** Weights of a layer that are kept, evenly spaced among those alive. */
    static final int PER_LAYER = 2000;

    private final Pruner pruner;
    private final List<Sample> samples = new ArrayList<>();

    private record Sample(String layer, int position, float magnitude, int flips) {}

    /** Looks at the weights that the pruner is to prune. */
    public WeightsFile(Pruner pruner) {
        this.pruner = pruner;
        pruner.beforePruning(this::see);
    }

    private void see(PruningEvent event) {
        List<PruningEvent> events = pruner.events();
        if (event.equals(events.get(events.size() - 1))) {
            samples.clear();
            pruner.parameters().stream()
                    .filter(ParameterInfo::prunable)
                    .forEach(info -> flips(info).ifPresent(flips -> take(info, flips)));
        }
    }

    private Optional<int[]> flips(ParameterInfo info) {
        return pruner.watches(info.path()).stream()
                .filter(SignFlips.Counts.class::isInstance)
                .map(watch -> ((SignFlips.Counts) watch).flips())
                .findFirst();
    }

    private void take(ParameterInfo info, int[] flips) {
        Mask mask = pruner.masks().get(info.path());
        float[] weights = Transfers.floats(info.parameter().getArray());
        int taken = Math.min(PER_LAYER, mask.remaining());
        int seen = 0;
        int next = 0;
        for (int i = 0; i < weights.length && next < taken; i++) {
            if (mask.isAlive(i)) {
                // The n-th of evenly spaced ones: all of them where there are no more.
                if (seen == (long) next * mask.remaining() / taken) {
                    samples.add(new Sample(info.path(), i, Math.abs(weights[i]), flips[i]));
                    next++;
                }
                seen++;
            }
        }
    }

    /** Writes what was seen, after the pruning, whole or not at all. */
    public void write(Path path) throws IOException {
        if (samples.isEmpty()) {
            return;
        }
        AtomicFile.replace(path, this::writeRows);
        samples.clear();
    }

    private void writeRows(Path path) throws IOException {
        try (BufferedWriter file = Files.newBufferedWriter(path);
                CSVPrinter rows =
                        CSVFormat.DEFAULT
                                .builder()
                                .setRecordSeparator('\n')
                                .setHeader("layer", "position", "magnitude", "flips", "kept")
                                .get()
                                .print(file)) {
            for (Sample sample : samples) {
                rows.printRecord(
                        sample.layer(),
                        sample.position(),
                        sample.magnitude(),
                        sample.flips(),
                        pruner.masks().get(sample.layer()).isAlive(sample.position()) ? 1 : 0);
            }
        }
    }
}
