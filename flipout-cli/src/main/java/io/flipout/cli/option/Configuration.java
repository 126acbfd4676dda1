package io.flipout.cli.option;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options of a run as they were used, from which it can be repeated. */
public final class Configuration {

    /** Options that say where a run goes or how it is shown, not what it is. */
    private static final Set<String> NOT_PART =
            Set.of("config", "out", "overwrite", "max-time", "verbose", "help", "version");

    private Configuration() {}

    /** Returns the values of all options by name, defaults included. */
    public static Map<String, Object> of(CommandSpec command) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (OptionSpec option : command.options()) {
            String name = option.longestName().replaceFirst("^--", "");
            Object value = option.getValue();
            if (NOT_PART.contains(name) || value == null || isEmpty(value)) {
                continue;
            }
            values.put(name, plain(value));
        }
        return values;
    }

    /** Returns a value as the command line writes it. */
    public static String text(Object value) {
        return value instanceof List<?> list
                ? list.stream().map(Configuration::text).collect(Collectors.joining(","))
                : plain(value).toString();
    }

    private static boolean isEmpty(Object value) {
        return value instanceof List<?> list && list.isEmpty();
    }

    private static Object plain(Object value) {
        if (value instanceof Enum<?> constant) {
            return constant.name().toLowerCase(Locale.ROOT);
        }
        if (value instanceof Number || value instanceof Boolean || value instanceof List<?>) {
            return value;
        }
        if (value instanceof Path path) {
            return path.toAbsolutePath().normalize().toString();
        }
        return value.toString();
    }
}
