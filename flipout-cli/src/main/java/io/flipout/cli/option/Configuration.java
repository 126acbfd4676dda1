package io.flipout.cli.option;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The options of a run as they were used, from which it can be repeated. */
public final class Configuration {

    /** Options that say where a run goes or how it is shown, not what it is. */
    private static final Set<String> NOT_PART =
            Set.of("config", "out", "overwrite", "max-time", "verbose", "help", "version");

    /**
     * Options that nothing else decides: what this machine or version takes where they are left
     * open is what a repetition takes, too.
     */
    private static final Set<String> OF_THEMSELVES = Set.of("threads", "checkpoint", "keep");

    private Configuration() {}

    /** Whether an option is part of what a run is. */
    static boolean isPart(OptionSpec option) {
        return !NOT_PART.contains(name(option));
    }

    static String name(OptionSpec option) {
        return option.longestName().replaceFirst("^--", "");
    }

    /**
     * Returns the values of all options by name, defaults included, and under {@link
     * YamlDefaults#OPEN} the names of those that others decided.
     */
    public static Map<String, Object> of(CommandSpec command) {
        Map<String, Object> values = new LinkedHashMap<>();
        List<String> open = new ArrayList<>();
        for (OptionSpec option : command.options()) {
            Object value = option.getValue();
            if (!isPart(option) || value == null || isEmpty(value)) {
                continue;
            }
            values.put(name(option), plain(value));
            if (isOpen(command, option)) {
                open.add(name(option));
            }
        }
        if (!open.isEmpty()) {
            values.put(YamlDefaults.OPEN, open);
        }
        return values;
    }

    /**
     * Returns the options that a user gave a value, on the command line or in a file, where that is
     * not what the option has anyway.
     *
     * @param fresh the same command without arguments
     */
    public static List<OptionSpec> given(CommandSpec command, CommandSpec fresh) {
        ParseResult parsed = command.commandLine().getParseResult();
        return command.options().stream()
                .filter(
                        option ->
                                parsed.hasMatchedOption(option)
                                        || (isInFile(command, option)
                                                && !Objects.equals(
                                                        option.getValue(),
                                                        fresh.findOption(option.longestName())
                                                                .getValue())))
                .toList();
    }

    private static boolean isInFile(CommandSpec command, OptionSpec option) {
        return command.defaultValueProvider() instanceof YamlDefaults file && file.gives(option);
    }

    /** Whether neither the command line nor a file nor the option itself decided its value. */
    private static boolean isOpen(CommandSpec command, OptionSpec option) {
        if (OF_THEMSELVES.contains(name(option)) || option.defaultValue() != null) {
            return false;
        }
        boolean isTyped = command.commandLine().getParseResult().hasMatchedOption(option);
        return !isTyped && !isInFile(command, option);
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
