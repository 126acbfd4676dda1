package io.flipout.cli;

/** The version that the command tells and that exported files name. */
final class Version {

    static final String NUMBER = "0.1.0-SNAPSHOT";

    private Version() {}
}
