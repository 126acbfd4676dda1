package io.flipout.cli.option;

import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** How options are written, whichever command reads them. */
public final class CommandLines {

    private CommandLines() {}

    /** Teaches a command, and those below it, how options are written. */
    public static CommandLine configured(CommandLine commandLine) {
        readChoices(commandLine);
        commandLine.setUsageHelpAutoWidth(true);
        commandLine.setOverwrittenOptionsAllowed(true); // The last one counts.
        return commandLine;
    }

    /** Every option that is one of several words takes them in any case. */
    private static void readChoices(CommandLine command) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            Class<?> type = option.auxiliaryTypes()[0];
            if (type.isEnum()) {
                readChoice(command, type);
            }
        }
        command.getSubcommands().values().forEach(CommandLines::readChoices);
    }

    private static <E> void readChoice(CommandLine command, Class<E> type) {
        command.registerConverter(type, new Choice<>(type));
    }
}
