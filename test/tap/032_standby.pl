# A streaming standby answers as its primary does, while the primary writes in
# every way there is; every page that replay has changed is compared with the
# primary's (wal_consistency_checking, which stops the standby at a difference).
# Then it is promoted and goes on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

seed_random();
my $primary = fault_node('primary',
	streaming => 1,
	conf => "wal_consistency_checking = 'generic'\nhot_standby_feedback = off\n"
	  . "hnsw.sync_interval = 0\nhnsw.pending_limit = 100000");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
# Queries wait for no replay, and replay cancels no query for as long as a test
# takes.
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 60s");
$standby->start;

# What index scans return: ids and distances, of queries that are rows and of
# queries that are not, few and many results.
sub answers
{
	my ($node, $name) = @_;
	my $op = $table{$name}{op} // '<->';
	# Of rows at the same distance, which one comes first is nobody's promise.
	my $columns = $table{$name}{modulus} ? 'q, d' : 'q, id, d';
	my $sql = 'SET enable_seqscan = off; SET hnsw.max_scan_tuples = 100000;';
	for my $setting ([ 20, 10 ], [ 100, 40 ], [ 40, 200 ])
	{
		my ($ef, $limit) = @$setting;
		$sql .= "SET hnsw.ef_search = $ef;"
		  . "SELECT $columns FROM (SELECT q, vec(q * 50, $table{$name}{dim}) AS v FROM generate_series(1, 20) q OFFSET 0) query,"
		  . " LATERAL (SELECT id, t.v $op query.v AS d FROM $name t ORDER BY t.v $op query.v LIMIT $limit) x;";
	}
	return $node->safe_psql('postgres', $sql);
}

# The first line in which primary and standby differ.
sub difference
{
	my ($name) = @_;
	my @here = split /\n/, answers($primary, $name);
	my @there = split /\n/, answers($standby, $name);
	for my $i (0 .. ($#here > $#there ? $#here : $#there))
	{
		my ($a, $b) = ($here[$i] // 'nothing', $there[$i] // 'nothing');
		return "$name, line $i: $a on the primary, $b on the standby" if $a ne $b;
	}
	return ();
}

sub same_answers
{
	my ($when) = @_;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	my @different = map { difference($_) } sort keys %table;
	is(join("\n", @different), '', "$when: the standby returns the primary's ids and distances");
	my @wrong = map { problems($standby, $_) } sort keys %table;
	is(join('', @wrong), '', "$when: every row is found on the standby");
}

create_table($primary, $_, $table{$_}{rows}) for sort keys %table;
same_answers('after CREATE INDEX');

# Rows that are pending, then linked, one by one and in memory, then gone.
sub for_each_table
{
	my ($sql) = @_;
	$primary->safe_psql('postgres', join "\n", map { $sql =~ s/TABLE/$_/gr . ';' } sort keys %table);
}
for my $name (sort keys %table)
{
	my $id = vector_sql($name, 'g');
	my $n = int($table{$name}{rows} / 3);
	$primary->safe_psql('postgres', "INSERT INTO $name SELECT g, $id FROM generate_series(5001, 5000 + $n) g");
}
same_answers('with pending elements');
my $with_pending = 'SELECT count(*) FROM hnsw_indexes WHERE pending > 0';
is(scalar_query($standby, $with_pending), keys(%table) - 1, 'they are pending on the standby, but where they are linked at once');
my (undef, undef, $refused) = $standby->psql('postgres', "SELECT hnsw_sync('codes_v_idx')");
like($refused, qr/ERROR:  cannot execute hnsw_sync\(\) during recovery/, 'which cannot link them');
for_each_table("SELECT hnsw_sync('TABLE_v_idx')");
$primary->safe_psql('postgres', "INSERT INTO codes SELECT g, vec(g, 16) FROM generate_series(6001, 8100) g; SELECT hnsw_sync('codes_v_idx')");
same_answers('after linking');
is(scalar_query($standby, $with_pending), 0, 'nothing is pending on the standby any more');
$primary->safe_psql('postgres', "DELETE FROM $_ WHERE id > 5000 AND id % 7 <> 0; VACUUM (INDEX_CLEANUP ON) $_") for sort keys %table;
for_each_table("SELECT hnsw_cleanup('TABLE_v_idx')");
same_answers('after cleaning up');

# Rows come, change and go, with vacuums among them; and one index is built anew
# beside it. The standby is searched all the time.
my @writers = map {
	my $name = $_;
	my $n = int($table{$name}{rows} / 4);
	my $script = 'SET client_min_messages = error;';
	for my $round (0 .. 2)
	{
		my $first = 10000 + $round * $n;
		my $id = vector_sql($name, 'g');
		my $new = vector_sql($name, 'id + 5000000');
		$script .= "INSERT INTO $name SELECT g, $id FROM generate_series($first, $first + $n - 1) g;\n"
		  . "UPDATE $name SET v = $new WHERE id % 7 = $round;\n"
		  . "BEGIN; DELETE FROM $name WHERE id % 5 = 1; ROLLBACK;\n"
		  . "DELETE FROM $name WHERE id % 6 = $round;\n"
		  . "SELECT hnsw_sync('${name}_v_idx') \\g /dev/null\n"
		  . "VACUUM (INDEX_CLEANUP ON) $name;\n"
		  . "SELECT hnsw_cleanup('${name}_v_idx') \\g /dev/null\n";
		$script .= "REINDEX INDEX ${name}_v_idx;\n" if $round == 1;
	}
	HnswClient->start($primary, $script);
} qw(codes equal wide exact);

my $searches = '';
for my $name (qw(codes equal wide exact))
{
	$searches .= "SELECT count(*) FROM (SELECT id FROM $name ORDER BY v <-> "
	  . "(SELECT v FROM $name OFFSET $_ LIMIT 1) LIMIT 50) x;\n"
	  for 1 .. 25;
}
my ($rounds, @errors) = (0);
while (grep { !$_->ended } @writers)
{
	my $reader = HnswClient->start($standby, "SET enable_seqscan = off;\n$searches", stop_on_error => 0);
	$reader->finish;
	push @errors, grep { !/does not exist|conflict with recovery|User was holding a relation lock/ }
	  $reader->err =~ /ERROR:.*/g;
	$rounds++;
}
is(join('', map { $_->err } @writers), '', 'the primary could write');
is(join("\n", @errors), '', "searches on the standby during replay succeed ($rounds rounds)");
# Rows that are dead by now but were not to the last vacuum: searches on the primary
# mark them and skip them from then on, those on a standby may not, so a search
# that goes on for many rows may part ways. Without them there is no difference.
$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON)');
same_answers('after writing');

# A row deleted on the primary, and marked so by a scan of its index, is still
# there for a snapshot that the standby took before.
$primary->safe_psql('postgres', 'VACUUM codes; CHECKPOINT');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $id = scalar_query($primary, 'SELECT max(id) FROM codes');
my $vector = scalar_query($primary, "SELECT v FROM codes WHERE id = $id");
my $search = "SELECT id FROM codes ORDER BY v <-> '$vector' LIMIT 1";
my $session = $standby->background_psql('postgres', on_error_stop => 0);
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$session->query_safe('SET enable_seqscan = off');
is($session->query_safe($search), $id, 'the standby finds the row');
$primary->safe_psql('postgres', "DELETE FROM codes WHERE id = $id");
# Twice: the first scan finds the row dead and marks it, the second checks. An
# insertion changes the same page after a checkpoint, which logs all of it.
$primary->safe_psql('postgres', "SET enable_seqscan = off; $search; $search; CHECKPOINT; SET hnsw.ef_search = 1000; $search");
$primary->safe_psql('postgres', "INSERT INTO codes VALUES (999999, '$vector')");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($session->query_safe($search), $id, 'an older snapshot of the standby still finds it after its deletion on the primary');
$session->query_safe('COMMIT');
$session->quit;

# Unlogged: nothing of it reaches the standby but an empty index.
$primary->safe_psql('postgres',
	'CREATE UNLOGGED TABLE forgotten (id bigint PRIMARY KEY, v vector(16));'
	  . 'INSERT INTO forgotten SELECT g, vec(g, 16) FROM generate_series(1, 100) g;'
	  . 'CREATE INDEX forgotten_v_idx ON forgotten USING hnsw (v vector_l2_ops);');
$table{forgotten} = { dim => 16, index => '(v vector_l2_ops)', rows => 100 };
is(problems($primary, 'forgotten'), '', 'an unlogged index is sound');

# Promotion while the primary writes.
my $last = HnswClient->start($primary, "INSERT INTO codes SELECT g, vec(g, 16) FROM generate_series(20001, 20500) g;");
$last->backend;
$standby->promote;
$last->finish;
$standby->safe_psql('postgres', 'DELETE FROM codes WHERE id % 4 = 0; VACUUM (INDEX_CLEANUP ON) codes');
for my $name (sort keys %table)
{
	my $new = vector_sql($name, 'g');
	$standby->safe_psql('postgres',
		"INSERT INTO $name SELECT g, $new FROM generate_series(30001, 30050) g;"
		  . "DELETE FROM $name WHERE id % 3 = 0; VACUUM $name");
	is_sound($standby, $name, "$name: sound after promotion and writing");
	is_sound($primary, $name, "$name: and on the old primary");
}
is(scalar_query($standby, 'SELECT count(*) FROM forgotten WHERE id <= 30000'),
	0, 'the unlogged table is empty after promotion');
unlike(slurp_file($standby->logfile), qr/inconsistent page found|PANIC/, 'replay made the pages of the primary');
$_->stop for $standby, $primary;
done_testing();
