-- From version 2 to 3: triggers that need no temporary table. The checks of a new file's tables are other words for the same.

DROP TRIGGER transfer_moves_balances;
CREATE TRIGGER transfer_moves_balances AFTER INSERT ON transfer BEGIN
  UPDATE account SET balance = balance - NEW.amount WHERE id = NEW.debit_account AND livemode = NEW.livemode;
  SELECT RAISE(ABORT, 'a debit account of another mode') WHERE changes() <> 1;
  UPDATE account SET balance = balance + NEW.amount WHERE id = NEW.credit_account AND livemode = NEW.livemode;
  SELECT RAISE(ABORT, 'a credit account of another mode') WHERE changes() <> 1;
  INSERT INTO account_total VALUES (NEW.debit_account, NEW.kind, 1, NEW.amount)
    ON CONFLICT DO UPDATE SET transfers = transfers + 1, amount = amount + excluded.amount;
  INSERT INTO account_total VALUES (NEW.credit_account, NEW.kind, 1, NEW.amount)
    ON CONFLICT DO UPDATE SET transfers = transfers + 1, amount = amount + excluded.amount;
END;

DROP TRIGGER task_list_counts_in;
CREATE TRIGGER task_list_counts_in AFTER INSERT ON task_list BEGIN
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, '', NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, NEW.category, NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;

DROP TRIGGER task_list_counts_out;
CREATE TRIGGER task_list_counts_out AFTER DELETE ON task_list BEGIN
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = '' AND facet = OLD.facet;
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = OLD.category AND facet = OLD.facet;
END;

DROP TRIGGER task_list_counts_over;
CREATE TRIGGER task_list_counts_over AFTER UPDATE OF facet ON task_list BEGIN
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = '' AND facet = OLD.facet;
  UPDATE task_list_count SET tasks = tasks - 1
    WHERE livemode = OLD.livemode AND viewer = OLD.viewer AND category = OLD.category AND facet = OLD.facet;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, '', NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
  INSERT INTO task_list_count VALUES (NEW.livemode, NEW.viewer, NEW.category, NEW.facet, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
