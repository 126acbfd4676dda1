package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.allocation.GroupAllocation;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How weights compete, as {@code --allocation} says it.
 *
 * @param name what the option is called by, such as {@code global} or {@code 2:4}
 */
record Competition(String name) {

    /** All of the network with each other. */
    static final Competition GLOBAL = new Competition("global");

    /** Those of each layer, the same share of each. */
    static final Competition LAYER = new Competition("layer");

    /** Those of each layer, with Erdős–Rényi densities. */
    static final Competition ERK = new Competition("erk");

    private static final Pattern GROUPS = Pattern.compile("(\\d{1,9}):(\\d{1,9})");

    /** Reads the option. */
    static final class Reader implements ITypeConverter<Competition> {

        @Override
        public Competition convert(String value) {
            Competition read = new Competition(value.toLowerCase(Locale.ROOT));
            boolean isKnown = read.equals(GLOBAL) || read.equals(LAYER) || read.equals(ERK);
            if (!isKnown && !GROUPS.matcher(value).matches()) {
                throw new TypeConversionException(
                        "'" + value + "' is not one of global, layer, erk, or N:M such as 2:4");
            }
            return read;
        }
    }

    /** Returns the allocation of N:M, if that is it. */
    Optional<GroupAllocation> groups() {
        Matcher matcher = GROUPS.matcher(name);
        return matcher.matches()
                ? Optional.of(
                        Allocation.ofEvery(
                                Integer.parseInt(matcher.group(1)),
                                Integer.parseInt(matcher.group(2))))
                : Optional.empty();
    }

    /** Returns the allocation, whose layers keep so many weights at least. */
    Allocation allocation(int floor) {
        if (groups().isPresent()) {
            if (floor != 0) {
                throw new IllegalArgumentException(
                        "--allocation "
                                + name
                                + " keeps as many weights of every group: --layer-floor does not go"
                                + " with it.");
            }
            return groups().get();
        }
        return switch (name) {
            case "layer" -> Allocation.perLayer().withFloor(floor);
            case "erk" -> Allocation.erdosRenyi().withFloor(floor);
            default -> Allocation.global().withFloor(floor);
        };
    }

    @Override
    public String toString() {
        return name;
    }
}
