package io.flipout.cli.comparison;

import io.flipout.cli.run.RunFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Places on this machine, each of which has options of its own, such as its GPU. */
public final class LocalPlaces implements Places {

    private final Class<?> main;
    private final List<List<String>> options;

    /** What was last at work at each place. */
    private final RunProcess[] processes;

    /**
     * Makes places.
     *
     * @param main takes the arguments of a run
     * @param options the options of {@code flipout train} at each place
     */
    public LocalPlaces(Class<?> main, List<List<String>> options) {
        this.main = main;
        this.options = options;
        processes = new RunProcess[options.size()];
    }

    @Override
    public String describe() {
        return String.format(Locale.ROOT, "%d at a time", options.size());
    }

    @Override
    public String option() {
        return "";
    }

    @Override
    public boolean hasRoom() {
        return free() >= 0;
    }

    private int free() {
        for (int i = 0; i < processes.length; i++) {
            if (processes[i] == null || !processes[i].isAlive()) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public RunAtWork start(PlannedRun run, Path folder, List<String> arguments) throws IOException {
        int place = free();
        List<String> words = new ArrayList<>();
        if (new RunFolder(folder).isInterrupted()) {
            words.addAll(List.of("resume", folder.toString()));
            // As many threads as before: another number rounds sums differently.
            options.get(place).stream().filter(o -> o.startsWith("--device")).forEach(words::add);
        } else {
            RunFolder.delete(folder);
            words.add("train");
            words.addAll(options.get(place));
            words.addAll(arguments);
            words.add("--out=" + folder);
        }
        Path log = folder.resolveSibling(run.name() + ".log");
        processes[place] = RunProcess.start(main, run, folder, log, words);
        return processes[place];
    }

    @Override
    public void close() {
        Arrays.stream(processes).filter(p -> p != null && p.isAlive()).forEach(RunProcess::stop);
    }
}
