package io.flipout.cli.option;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a constant of an enum by its name, in any case. */
record Choice<E>(Class<E> type) implements ITypeConverter<E> {

    @Override
    public E convert(String value) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> name(constant).equalsIgnoreCase(value))
                .findFirst()
                .orElseThrow(
                        () ->
                                new TypeConversionException(
                                        "'" + value + "' is not one of " + names()));
    }

    private String names() {
        return Arrays.stream(type.getEnumConstants())
                .map(constant -> name(constant).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    private static String name(Object constant) {
        return ((Enum<?>) constant).name();
    }
}
