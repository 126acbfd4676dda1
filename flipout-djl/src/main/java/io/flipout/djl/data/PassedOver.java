package io.flipout.djl.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** What a folder of images holds beside them: it is counted, and the first names are told. */
final class PassedOver {

    static final String HIDDEN = "hidden";
    static final String NO_CLASS = "in no folder of a class";
    static final String OTHER = "of other kinds than .jpg, .jpeg and .png";
    static final String NESTED = "folders within classes";
    static final String EMPTY = "classes without images";

    /** Names that are told of each kind. */
    private static final int SHOWN = 3;

    private final Path folder;
    private final Map<String, List<Path>> entries = new LinkedHashMap<>();

    /** Begins to count in a folder. */
    PassedOver(Path folder) {
        this.folder = folder;
    }

    void add(String kind, Path entry) {
        entries.computeIfAbsent(kind, any -> new ArrayList<>()).add(entry);
    }

    /** Says what there is in a folder that has no images, if there is something. */
    String in(Path classFolder) {
        Map<String, List<Path>> within = new LinkedHashMap<>();
        entries.forEach(
                (kind, paths) -> {
                    List<Path> some =
                            paths.stream().filter(p -> p.startsWith(classFolder)).toList();
                    if (!some.isEmpty()) {
                        within.put(kind, some);
                    }
                });
        return within.isEmpty() ? "" : ", only " + text(within, classFolder);
    }

    /** Tells of everything in a line; of nothing if there is none. */
    void tell(Consumer<String> log) {
        if (!entries.isEmpty()) {
            log.accept("Passed over in " + folder + ": " + text(entries, folder) + ".");
        }
    }

    private static String text(Map<String, List<Path>> kinds, Path root) {
        List<String> parts = new ArrayList<>();
        kinds.forEach(
                (kind, paths) -> {
                    List<String> names = new ArrayList<>();
                    for (Path path : paths.subList(0, Math.min(SHOWN, paths.size()))) {
                        names.add(root.relativize(path).toString());
                    }
                    if (paths.size() > SHOWN) {
                        names.add("...");
                    }
                    parts.add(paths.size() + " " + kind + " (" + String.join(", ", names) + ")");
                });
        return String.join("; ", parts);
    }
}
