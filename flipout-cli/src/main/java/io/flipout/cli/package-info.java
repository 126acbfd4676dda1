/**
 * The commands, one a file, and {@link io.flipout.cli.Main}, which lists them. Everything below is
 * known from here; nothing below knows what lives here.
 *
 * <p>The rooms, from the ground up: {@code terminal} (what a user sees), {@code option} (what a
 * user says), {@code run} (what a run leaves on the disk), {@code comparison} (many runs), {@code
 * method} (pruning as options), {@code network} (what is trained), {@code training} (one run),
 * {@code report} (pages and figures) and {@code bench} (measurements). A room knows those before it
 * at most.
 */
package io.flipout.cli;
